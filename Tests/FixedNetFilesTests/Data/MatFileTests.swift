import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Files of Tests/Python/fixtures/make_mat_fixtures.py, with NumPy's reading of them beside.
enum MatFixture {
  static func path(_ name: String) -> String { TestFiles.path("mat/\(name)") }

  /// Row-major doubles.
  static func numbers(_ name: String) throws -> [Double] {
    let bytes = try TestFiles.bytes(path("\(name).f64"))
    return bytes.withUnsafeBytes { raw in
      (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
    }
  }
}

#if MatIO
  @Suite("MatFile") struct MatFileTests {
    private static let classes = [
      "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
      "logical",
    ]

    @Test(
      "every class of numbers reads as SciPy reads it",
      arguments: ["classes.mat", "classes_zlib.mat"], classes)
    func version5(file: String, name: String) throws {
      let array = try MatFile.read(path: MatFixture.path(file), variables: [name])[name]
      #expect(array == MatArray(shape: [5, 3], values: try MatFixture.numbers(name)))
    }

    @Test(
      "version 4", arguments: ["double", "single", "uint8", "int16", "uint16", "int32"])
    func version4(name: String) throws {
      let array = try MatFile.read(path: MatFixture.path("classes_v4.mat"), variables: [name])[name]
      #expect(array == MatArray(shape: [5, 3], values: try MatFixture.numbers(name)))
    }

    @Test("big-endian files", arguments: ["big_endian.mat", "big_endian_v4.mat"])
    func bigEndian(file: String) throws {
      let array = try MatFile.read(path: MatFixture.path(file), variables: ["double"])["double"]
      #expect(array == MatArray(shape: [5, 3], values: try MatFixture.numbers("double")))
    }

    @Test("three axes, a row and an empty array, in one call and any order")
    func shapes() throws {
      let arrays = try MatFile.read(
        path: MatFixture.path("classes_zlib.mat"), variables: ["row", "cube"],
        optional: ["nothing", "empty"])
      #expect(arrays.count == 3)
      #expect(arrays["cube"] == MatArray(shape: [2, 3, 4], values: (0..<24).map(Double.init)))
      #expect(arrays["row"] == MatArray(shape: [1, 4], values: [0, 1, 2, 3]))
      #expect(arrays["empty"] == MatArray(shape: [0, 3], values: []))
    }

    @Test(
      "what is no full array of real numbers is refused by name",
      arguments: [
        ("classes.mat", "complex", "complex"), ("classes_zlib.mat", "sparse", "sparse"),
        ("classes.mat", "cell", "cell"), ("classes.mat", "struct", "struct"),
        ("classes.mat", "text", "char"), ("classes_v4.mat", "complex", "complex"),
        ("classes_v4.mat", "sparse", "sparse"), ("classes_v4.mat", "text", "char"),
      ])
    func otherClasses(file: String, name: String, word: String) throws {
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: MatFixture.path(file), variables: [name])
      }
      guard case .variable = error else {
        Issue.record("\(error)")
        return
      }
      #expect(line(error).contains("variable \(name) must be") && line(error).contains(word))
    }

    @Test(
      "damaged files and files of other kinds are refused in one line",
      arguments: [
        ("cut", "cut off"), ("bad_zlib", "zlib"), ("bad_checksum", "incorrect data check"),
        ("short_tag", "cut off"), ("unknown_type", "type 16"), ("empty_file", "empty"),
        ("text", "not a MATLAB file"), ("version3", "version 3"), ("huge", "2^28"),
        ("claims_more", "1000x1000"), ("claims_more_zlib", "100000x1000"),
        ("negative_extent", "X"), ("cut_v4", "cut off"),
      ])
    func damaged(name: String, word: String) throws {
      let path = MatFixture.path("\(name).mat")
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: path, variables: ["X"])
      }
      #expect(line(error).contains(word) && line(error).contains(path), "\(error)")
    }

    @Test("a missing variable is answered with those that exist")
    func missing() throws {
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: MatFixture.path("no_y.mat"), variables: ["X", "y"])
      }
      #expect(
        error
          == .missing(path: MatFixture.path("no_y.mat"), variable: "y", found: ["X", "answers"]))
      #expect(line(error).contains("X, answers"))
    }

    @Test("a file that is not there, a folder and a device are refused")
    func notFiles() throws {
      let folder = try TemporaryFolder()
      for (path, word) in [
        (folder.file("none.mat"), "No such file"), (folder.path, "folder"),
        ("/dev/null", "regular"),
      ] {
        let error = try #require(throws: MatFileError.self) {
          try MatFile.read(path: path, variables: ["X"])
        }
        #expect(line(error).contains(word))
      }
    }

    @Test("a file cut anywhere is refused", arguments: ["classes.mat", "classes_zlib.mat"])
    func cut(name: String) throws {
      let folder = try TemporaryFolder()
      let bytes = try TestFiles.bytes(MatFixture.path(name))
      let whole = try MatFile.read(path: MatFixture.path(name), variables: ["row"])
      for count in stride(from: 0, to: bytes.count, by: 61) {
        try AtomicFile.write(Array(bytes.prefix(count)), to: folder.file("cut.mat"))
        do {
          // A cut between two variables leaves a file without the later ones.
          let array = try MatFile.read(path: folder.file("cut.mat"), variables: ["row"])
          #expect(array == whole)
        } catch {
          _ = line(error)
          #expect(count < 136 || !line(error).contains("not a MATLAB file"))
        }
      }
    }

    @Test("changed bytes give an answer or one line")
    func changed() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("changed.mat")
      for name in ["classes.mat", "classes_v4.mat"] {
        let bytes = try TestFiles.bytes(MatFixture.path(name))
        var generator = Philox(seed: 3, stream: UInt64(bytes.count)).reader()
        for _ in 0..<40 {
          var changed = bytes
          for _ in 0..<3 {
            changed[Int(generator.next()) % changed.count] = UInt8(
              truncatingIfNeeded: generator.next())
          }
          try AtomicFile.write(changed, to: path)
          do {
            let arrays = try MatFile.read(path: path, variables: ["double"])
            #expect(arrays["double"].map { $0.values.count == $0.shape.reduce(1, *) } ?? false)
          } catch {
            _ = line(error)
          }
        }
      }
    }

    @Test(
      "the digits of the shared collection, against SciPy",
      .enabled(
        if: Fixtures.shared("data/digits20x20.mat") != nil,
        "shared/data/digits20x20.mat is not beside this package"))
    func digits() throws {
      let path = try #require(Fixtures.shared("data/digits20x20.mat"))
      let arrays = try MatFile.read(path: path, variables: ["X", "y"])
      let (x, y) = (try #require(arrays["X"]), try #require(arrays["y"]))
      #expect(x.shape == [5000, 400] && y.shape == [5000, 1])
      for label in 1...10 { #expect(y.values.count { $0 == Double(label) } == 500) }
      // scipy.io.loadmat: MD5 of X in row-major order as little-endian float64.
      let bytes = x.values.withUnsafeBytes { [UInt8]($0) }
      #expect(Digest.md5(bytes) == "af3f724cc1723e1a00701468bef1a3a4")
    }
  }
#endif

#if HDF5
  @Suite("MatFile, version 7.3") struct MatFile73Tests {
    private let path = MatFixture.path("v73.mat")

    @Test("extents and values as in the other versions")
    func reads() throws {
      let arrays = try MatFile.read(path: path, variables: ["X", "y", "logical", "cube"])
      #expect(
        arrays["X"] == MatArray(shape: [5, 3], values: (1...15).map { Double($0) / 8 }))
      #expect(arrays["y"] == MatArray(shape: [5, 1], values: [1, 2, 3, 1, 2]))
      #expect(arrays["logical"]?.values == (try MatFixture.numbers("logical")))
      #expect(arrays["cube"] == MatArray(shape: [2, 3, 4], values: (0..<24).map(Double.init)))
    }

    @Test(
      "what is no full array of real numbers is refused by name",
      arguments: [
        ("complex", "complex"), ("sparse", "sparse"), ("cell", "cell"), ("struct", "struct"),
        ("text", "char"), ("empty", "empty"),
      ])
    func refused(name: String, word: String) throws {
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: path, variables: [name])
      }
      #expect(line(error).contains("variable \(name) must be") && line(error).contains(word))
    }

    @Test("a missing variable is answered with those that exist")
    func missing() throws {
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: path, variables: ["X", "labels"])
      }
      let text = line(error)
      #expect(text.contains("variable labels is missing") && text.contains("struct, text"))
    }

    @Test("cut and empty HDF5 parts", arguments: ["v73_cut.mat", "v73_headless.mat"])
    func damaged(name: String) throws {
      let error = try #require(throws: MatFileError.self) {
        try MatFile.read(path: MatFixture.path(name), variables: ["X"])
      }
      guard case .damaged = error else {
        Issue.record("\(error)")
        return
      }
      _ = line(error)
    }
  }
#endif
