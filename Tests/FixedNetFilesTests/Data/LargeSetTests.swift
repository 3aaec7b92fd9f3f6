import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

/// Every kind of file that has samples, made by these tests or a fixture.
private let kinds = [
  "two.h5", "half.h5", "boolean.h5", "weighted.h5", "strings.h5", "iris.csv", "table.csv.gz",
  "pair-images-idx3-ubyte", "pictures", "set.npz",
]

private let matlabKinds = [
  "rows.mat", "columns.mat", "samples_first.mat", "samples_last.mat", "cells.mat", "cells7.mat",
  "other_names.mat", "struct.mat", "weighted.mat",
]

/// Sets for which memory is short: a file on a disk is mapped, and everything is as in memory.
@Suite("Sets larger than memory") struct LargeSetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The path of a kind's file, made where it is no fixture.
  private func path(_ kind: String) throws -> String {
    let count = 60
    let pixels = (0..<count * 12).map { UInt8($0 * 37 % 251) }
    switch kind {
    case "table.csv.gz":
      let text = (0..<count).map { "\($0 % 7),\($0).5,\($0 * $0),\($0 % 3)\n" }.joined()
      try AtomicFile.write(Array(text.utf8), to: folder.file("table.csv"))
      #expect(try Python.run("/bin/gzip", [folder.file("table.csv")]).status == 0)
    case "pair-images-idx3-ubyte":
      let head: [UInt8] = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 4, 0, 0, 0, 3]
      try AtomicFile.write(head + pixels, to: folder.file(kind))
      let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, UInt8(count)] + (0..<count).map { UInt8($0 % 3) }
      try AtomicFile.write(labels, to: folder.file("pair-labels-idx1-ubyte"))
    case "pictures":
      for (place, name) in ["grey.png", "deep.png", "bits.png", "grey.jpg"].enumerated() {
        let own = folder.file("pictures/\(place % 2)")
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: TestFiles.path("pictures/\(name)"), toPath: "\(own)/\(name)")
      }
    case "set.npz":
      let x = pixels.map { Float($0) / 8 }
      let arrays = [
        NamedArray("x", Tensor(shape: [count, 4, 3], values: x)),
        NamedArray("y", (0..<count).map { $0 % 3 }),
      ]
      try AtomicFile.write(try #require(NumPyWriter.npz(arrays)), to: folder.file(kind))
    default: return TestFiles.path("data/\(kind)")
    }
    return folder.file(kind)
  }

  private func isMapped(_ set: ImageSet) -> Bool {
    if case .mapped = set.pixels { true } else { false }
  }

  /// Reads a set as if there were so many bytes of memory.
  private func load(_ path: String, memory: Int, _ options: DataFileOptions) throws -> DataFile {
    try FreeMemory.$assumed.withValue(memory) { try DataFile.load(path: path, options: options) }
  }

  private func compare(_ kind: String) throws {
    let path = try path(kind)
    var options = DataFileOptions(testFraction: kind == "pictures" ? 0.5 : 0.25)
    if kind == "pictures" { options.image = .image(height: 5, width: 7, channels: 3) }
    if kind == "columns.mat" { options.image = .image(height: 2, width: 3, channels: 2) }
    let plain = try load(path, memory: 1 << 40, options)
    let large = try load(path, memory: 16, options)
    #expect(!isMapped(plain.set.train) && !plain.note.contains("kept in a file"))
    let last = try #require(large.note.components(separatedBy: "; ").last)
    #expect(large.note == "\(plain.note); \(last)")
    #expect(last.hasPrefix("kept in a file of 1 MB in /"))
    #expect(large.digest == plain.digest && large.record == plain.record)
    for (own, other) in [(plain.set.train, large.set.train), (plain.set.test, large.set.test)] {
      #expect(isMapped(other))
      #expect(own.digest == other.digest && own.pixels.floats == other.pixels.floats)
      #expect(own.count == other.count)
    }
    // Parts of parts, in any order.
    let places = Array((0..<plain.set.train.count).reversed())
    let parts = try [plain, large].map { try $0.set.train.samples(at: places).samples(at: [1, 0]) }
    #expect(isMapped(parts[1]) && parts[0].digest == parts[1].digest)
  }

  @Test("is read with the same values, answers, digest and note as in memory", arguments: kinds)
  func readsTheSame(kind: String) throws { try compare(kind) }

  #if MatIO
    @Test("so are MATLAB's forms, whose columns become rows in a file", arguments: matlabKinds)
    func matlab(kind: String) throws { try compare(kind) }
  #endif

  @Test("trains to the same weights: standardised, augmented, held out, on bytes and floats")
  func trainsTheSame() throws {
    for kind in ["pair-images-idx3-ubyte", "set.npz"] {
      let path = try path(kind)
      var hashes: [String] = []
      for memory in [1 << 40, 16] {
        let set = try load(path, memory: memory, DataFileOptions(testFraction: 0.25)).set
        let parts = try set.train.split(fraction: 0.2, seed: 3)
        let model = Model(
          name: "m", input: .image(height: 4, width: 3, channels: 1),
          layers: [
            try Normalization(name: "n").adapted(to: parts.first), Flatten(name: "f"),
            Dense(name: "d", units: 3, activation: .softmax),
          ])
        var options = PlanOptions(batch: 16, isTraining: true, threads: 2, optimizer: .adam())
        options.augmentation = try Augmentation(text: "shift=0.3")
        let network = try Network(
          NetworkPlan(model, options: options), instructionSet: .selected())
        try network.load(try model.initialWeights(seed: 1))
        let trainer = try Trainer(
          network: network, images: parts.first, batch: 16,
          optimizer: OptimizerConfiguration(optimizer: .adam()), seed: 5)
        for _ in 0..<3 { _ = try trainer.runEpoch() }
        let sums = try network.evaluate(parts.second, batch: 16)
        hashes.append(
          "\(WeightsDigest.sha256(network.weights, of: model)) \(sums.meanLoss) \(sums.accuracy)")
      }
      #expect(hashes[0] == hashes[1], "\(kind)")
    }
  }

  @Test("images of another size than the file's are refused, not read elsewhere")
  func otherWidth() throws {
    let set = try load(path("set.npz"), memory: 16, DataFileOptions(testFraction: 0)).set.train
    let odd = ImageSet(shape: .vector(6), pixels: set.pixels, labels: [])
    #expect(throws: NetworkError.self) { try odd.check() }
  }

  @Test(
    "what no disk can hold is refused with what was tried; what memory holds three times is not")
  func noDisk() throws {
    let count = 1 << 60
    let error = try #require(throws: FileError.self) {
      try FreeMemory.$assumed.withValue(1 << 20) { try ScratchFile.ifNeeded(count, for: "a/b.npz") }
    }
    #expect(error.path == "a/b.npz" && error.reason.contains("/var/tmp: "))
    #expect(error.reason.contains("TMPDIR says another one"))
    let none = try FreeMemory.$assumed.withValue(3 * count) {
      try ScratchFile.ifNeeded(count, for: "a/b.npz")
    }
    #expect(none == nil)
  }

  @Test(
    "what a control group leaves is its limit without what is used, but for idle pages of files")
  func groups() throws {
    for (isSecond, names) in [
      (true, ["memory.max", "memory.current", "inactive_file"]),
      (false, ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"]),
    ] {
      let group = folder.file(names[0] + "-group")
      try FileManager.default.createDirectory(atPath: group, withIntermediateDirectories: true)
      #expect(FreeMemory.left(group, isSecond) == nil)
      for (name, text) in [
        (names[0], "1000\n"), (names[1], "900\n"), ("memory.stat", "rss 5\n\(names[2]) 300\n"),
      ] {
        try AtomicFile.write(Array(text.utf8), to: "\(group)/\(name)")
      }
      #expect(FreeMemory.left(group, isSecond) == 400)
      try AtomicFile.write(Array("max\n".utf8), to: "\(group)/\(names[0])")
      #expect(FreeMemory.left(group, isSecond) == nil)
    }
    #expect(try #require(FreeMemory.bytes) > 1 << 20)
  }
}
