import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Arrays in the files of other programs, as those programs see them.
@Suite("Array files")
struct ArrayFileTests {
  private static let arrays = [
    NamedArray("y", Tensor(shape: [2, 3], values: [0.5, -1, 2, 3, 4, 5.25])),
    NamedArray("class_index", [2, 0]),
    NamedArray("class_names", ["setosa", "größer", "版"]),
  ]

  @Test("NumPy's bytes, as numpy.lib.format describes them")
  func npy() throws {
    let folder = try Fixtures.temporaryFolder()
    let path = "\(folder)/a.npz"
    try ArrayFile.write([NamedArray("v", [7, -1])], to: path)
    let bytes = try Data(contentsOf: URL(filePath: path))
    // A local header of 30 bytes and the name v.npy.
    let npy = Array(bytes.dropFirst(35))
    #expect(Array(npy.prefix(10)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
    let header = String(decoding: npy[10..<128], as: UTF8.self)
    #expect(header.hasPrefix("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"))
    #expect(header.hasSuffix(" \n"))
    #expect(Array(npy[128..<144]) == [7, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8))
  }

  @Test("NumPy, h5py and SciPy read what was written", .enabled(if: Fixtures.python != nil))
  func python() throws {
    let folder = try Fixtures.temporaryFolder()
    for end in ["npz", "h5", "mat"] { try ArrayFile.write(Self.arrays, to: "\(folder)/a.\(end)") }
    let script = """
      import h5py, numpy as np, scipy.io
      z = np.load("a.npz")
      print(z["y"].dtype, z["y"].tolist(), z["class_index"].tolist(), z["class_names"].tolist())
      with h5py.File("a.h5") as f:
          print(f["y"].dtype, f["y"][()].tolist(), f["class_index"][()].tolist(),
                list(f["y"].attrs["class_names"]))
      m = scipy.io.loadmat("a.mat", squeeze_me=True)
      print(m["y"].dtype, m["y"].tolist(), m["class_index"].tolist(), m["class_names"].tolist())
      """
    let finished = try Finished(
      #require(Fixtures.python), ["-c", script], in: folder,
      environment: ["PYTHONIOENCODING": "utf-8"])
    let line =
      "float32 [[0.5, -1.0, 2.0], [3.0, 4.0, 5.25]] [2, 0] ['setosa', 'größer', '版']"
    #expect(finished.output.split(separator: "\n") == [line, line, line][...].map { $0[...] })
    #expect(finished.exitCode == 0, "\(finished.errors)")
  }

  @Test("the end of a name says which format; nothing is left where the file cannot be written")
  func names() throws {
    #expect(ArrayFile.isNamed("a.NPZ") && ArrayFile.isNamed("a.b.mat") && ArrayFile.isNamed("a.h5"))
    #expect(!ArrayFile.isNamed("a.npy") && !ArrayFile.isNamed("npz"))
    for end in ["npz", "h5", "mat"] {
      #expect(throws: CheckpointError.self) {
        try ArrayFile.write(Self.arrays, to: "/nowhere/a.\(end)")
      }
    }
  }
}
