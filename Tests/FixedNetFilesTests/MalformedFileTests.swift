#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  /// Files that are damaged or hostile. A few come with the package; all of them are searched for in `shared`.
  /// m90 and m91 are our own: libhdf5 1.10.8 itself crashes on them. For m92 it allocates gigabytes.
  @Suite("Malformed files") struct MalformedFileTests {
    /// Those that load all the same.
    static let loading: Set<String> = ["m18", "m19", "m33", "m40", "m67", "m68", "m70", "m71"]

    /// What an error has to mention, where it must be a certain one.
    static let mentions = [
      "m01": "empty", "m02": "not an HDF5 file", "m03": "truncated", "m04": "truncated",
      "m05": "cut off", "m10": "integers", "m11": "strings", "m12": "compound",
      "m13": "shape (7, 12)", "m14": "shape (84)", "m15": "shape (0, 12)", "m16": "16777216",
      "m17": "1073741824", "m20": "model_config", "m21": "not JSON", "m22": "64 levels",
      "m23": "model_config", "m25": "UTF-8", "m30": "Lambda", "m31": "TotallyUnknown",
      "m32": "LSTM", "m34": "activation", "m35": "units", "m36": "units",
      "m37": "12.5", "m38": "null", "m39": "dense", "m41": "input_layers",
      "m50": "/model_weights", "m51": "layer_names", "m52": "dense_1", "m53": "kernel:0",
      "m54": "a group", "m55": "layer_names", "m56": "dense_2", "m57": "weight_names",
      "m60": "another file", "m61": "another file", "m62": "soft link", "m63": "soft link",
      "m64": "another file", "m65": "virtual", "m66": "32015", "m92": "must be 2 strings",
    ]

    static let files: [String] = {
      let folders = [TestFiles.path("malformed"), "\(TestFiles.shared)/fixtures/malformed"]
      var found: [String: String] = [:]
      for folder in folders {
        for name in TestFiles.names(in: folder) where name.hasSuffix(".h5") {
          found[name] = "\(folder)/\(name)"
        }
      }
      return found.sorted { $0.key < $1.key }.map(\.value)
    }()

    @Test("refused in one line, or loaded where harmless", arguments: files)
    func malformed(path: String) throws {
      let number = String(path.split(separator: "/").last?.prefix(3) ?? "")
      let start = ContinuousClock().now
      do {
        let file = try KerasFile.read(path: path, trainingState: .ignore)
        #expect(MalformedFileTests.loading.contains(number) || number == "m06")
        #expect(file.nonFinite == (["m18", "m19"].contains(number) ? ["dense/kernel"] : []))
      } catch {
        #expect(!MalformedFileTests.loading.contains(number), "\(error)")
        let text = line(error)
        #expect(text.contains(path))
        if let part = MalformedFileTests.mentions[number] { #expect(text.contains(part)) }
      }
      // With the architecture from elsewhere, other parts of the file are read.
      let model = try KerasFile.read(path: TestFiles.path("keras/p04_mlp.h5")).model
      do { _ = try KerasFile.readWeights(path: path, model: model) } catch { _ = line(error) }
      #expect(ContinuousClock().now - start < .seconds(5))
    }

    @Test(
      "all 53 are there",
      .enabled(
        if: FileManager.default.fileExists(atPath: "\(TestFiles.shared)/fixtures/malformed"),
        "the larger collection is not beside this package: set FIXEDNET_SHARED"))
    func complete() {
      let names = Set(MalformedFileTests.files.compactMap { $0.split(separator: "/").last })
      #expect(names.filter { !$0.hasPrefix("m9") }.count == 53)
    }

    @Test("a file that is not there, a folder and a device are refused")
    func notFiles() throws {
      let folder = try TemporaryFolder()
      for (path, word) in [
        (folder.file("none.h5"), "No such file"), (folder.path, "folder"), ("/dev/null", "regular"),
      ] {
        let error = try #require(throws: CheckpointError.self) { try KerasFile.read(path: path) }
        #expect(line(error).contains(word))
      }
    }

    @Test("a file cut anywhere is refused")
    func cut() throws {
      let folder = try TemporaryFolder()
      let bytes = try TestFiles.bytes(TestFiles.path("keras/p04_mlp.h5"))
      for count in stride(from: 0, to: bytes.count, by: 997) {
        try AtomicFile.write(Array(bytes.prefix(count)), to: folder.file("cut.h5"))
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.read(path: folder.file("cut.h5"))
        }
        _ = line(error)
      }
    }
  }
#endif
