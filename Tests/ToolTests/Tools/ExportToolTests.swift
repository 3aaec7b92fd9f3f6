import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What `export` refuses, and what it leaves alone; ExportTests have the bits.
@Suite("export")
struct ExportToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func export(_ options: String) throws -> Finished {
    try Tool.run("export", options, in: folder)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
  }

  @Test("a library is written, and written again; nobody else's file is replaced")
  func files() throws {
    let options = "softmax --c net --name net --train sgd"
    let first = try export(options)
    #expect(first.exitCode == 0, "\(first.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/net").sorted()
    #expect(
      names == [
        "CMakeLists.txt", "Makefile", "library.properties", "net.c", "net.h", "net_test.c",
      ])
    let source = try text("net/net.c")
    #expect(try export(options).exitCode == 0)
    #expect(try text("net/net.c") == source)
    for name in names {
      try "all:\n\techo mine\n".write(
        toFile: "\(folder)/net/\(name)", atomically: false, encoding: .utf8)
      let refused = try export("\(options) --loss kld")
      Tool.expectRefusal(refused, "'net/\(name)' is there, and was not written by fixednet export")
      #expect(try text("net/\(name)") == "all:\n\techo mine\n")
      try FileManager.default.removeItem(atPath: "\(folder)/net/\(name)")
    }
  }

  @Test(
    "a signal while the compiler runs leaves no folder and no file", arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) throws {
    for name in ["bin", "temporary"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    // A compiler that leaves a file and a folder, and does not end.
    let compiler = "\(folder)/bin/arm-none-eabi-gcc"
    try "#!/bin/sh\nmkdir -p deep/er; touch net.o deep/er/a; touch '\(folder)/begun'; sleep 60\n"
      .write(
        toFile: compiler, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: compiler)
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/export")
    process.arguments = ["softmax", "--c", "net"]
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PATH": "\(folder)/bin:/usr/bin:/bin", "TMPDIR": "\(folder)/temporary",
    ]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let limit = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: "\(folder)/begun"), Date() < limit {
      Thread.sleep(forTimeInterval: 0.02)
    }
    let temporary = "\(folder)/temporary"
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).count == 1)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + signal)
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("softmax", "Missing expected argument '--c <folder>'", 64 as Int32),
      ("softmax --c n --train foo", "--train must be one of sgd, momentum", 64),
      ("softmax --c n --batch 2", "--batch is for training on the device", 64),
      ("softmax --c n --memory-budget 1MiB", "--memory-budget is for training on the device", 64),
      ("softmax --c n --train sgd --freeze a --last 1", "give one of them", 64),
      ("softmax --c n --samples 0", "--samples must be from 1", 64),
      ("softmax --c n --clip-norm 1", "--clip-norm is for training on the device", 64),
      ("softmax --c n --train sgd --beta1 0.5", "--beta1 is for --train adam, adamw, nadam", 64),
      ("softmax --c n --train adam --beta1 2", "--beta1 must be from 0 to below 1, found 2", 64),
      ("softmax --c n --output t.h5", "--output is for --read-back", 64),
      ("--read-back s.bin --output t.h5", "--read-back needs --model", 64),
      ("--read-back s --model softmax --output t.h5 --c n", "--c does not go with", 64),
      ("--read-back s --model softmax --output t.h5 --samples 3", "--samples does not go with", 64),
      ("--read-back s --model softmax --output t.h5 --image 8x8", "--image does not go with", 64),
      ("softmax --c n --image 8x8", "--image says how the data of the test are read", 64),
      ("softmax --c n --target a", "--target says how the data of the test are read", 64),
      ("softmax --c n --data digits --samples 999999", "--samples must be from 1 to 1000", 64),
      ("softmax --c n --train file", "'softmax' names no optimiser", 1),
      ("softmax --c n --train sgd --freeze nope", "the model has no layer 'nope'; it has", 1),
      ("lenet-plain --c n --train sgd --freeze conv1,", "the model has no layer ''; it has", 1),
      ("softmax --c n --train sgd --freeze dense1", "nothing is left to train", 1),
      ("softmax --c n --train sgd --last 9", "the model has 1 layers with weights, found 9", 1),
      ("nope.h5 --c n", "cannot read 'nope.h5'", 1),
      ("lenet --c n --train sgd", "freeze it (--freeze", 1),
      ("lenet-plain --c n --train adam --memory-budget 64KiB", "more than --memory-budget", 1),
    ])
  func wrongUse(_ options: String, _ fragment: String, _ code: Int32) throws {
    Tool.expectRefusal(try export(options), fragment, exitCode: code)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/n"))
  }

  @Test("a small file that describes an enormous network is refused before anything is allocated")
  func arena() throws {
    let model = Model(
      name: "wide", input: .image(height: 4096, width: 4096, channels: 1),
      layers: [
        Conv2D(name: "c", filters: 16, kernelSize: (1, 1)), GlobalAveragePooling2D(name: "p"),
        Dense(name: "d", units: 2, activation: .softmax),
      ])
    try KerasFile.write(
      KerasModelFile(model: model, weights: model.initialWeights(seed: 0)),
      to: "\(folder)/wide.h5")
    let measured = try Measured(
      "\(Tool.folder)/export", ["wide.h5", "--c", "n"], in: folder, limit: 30)
    Tool.expectRefusal(measured.run, "describes a network whose arena takes")
    #expect(measured.peakBytes < 256 << 20)
  }

  @Test("what a device saved becomes a file of Keras, and nothing else does")
  func readBack() throws {
    #expect(try export("softmax --c net --name net --train momentum").exitCode == 0)
    try """
    #include "net.h"
    #include <stdio.h>
    static FILE *file;
    static int erase(void *context, int slot) { (void)context; return slot; }
    static int put(void *context, int slot, uint32_t offset, const uint8_t bytes[64]) {
      (void)context;
      return slot || fseek(file, (long)offset, SEEK_SET) || fwrite(bytes, 1, 64, file) != 64;
    }
    static int get(void *context, int slot, uint32_t offset, uint8_t bytes[64]) {
      (void)context;
      return slot || fseek(file, (long)offset, SEEK_SET) || fread(bytes, 1, 64, file) != 64;
    }
    int main(void) {
      static const float input[NET_INPUTS] = {1.0f};
      const net_storage storage = {erase, put, get, 0};
      uint8_t digest[32];
      file = fopen("slot.bin", "w+b");
      net_reset();
      net_train_step(input, 3, 0.1f);
      if (net_save(&storage) || fclose(file)) return 1;
      net_hash(digest);
      for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
      return 0;
    }
    """.write(toFile: "\(folder)/save.c", atomically: false, encoding: .utf8)
    let compiled = try Finished(
      "/usr/bin/env", ["gcc", "-O2", "-Inet", "save.c", "net/net.c", "-o", "save"], in: folder)
    guard compiled.exitCode == 0 else { return }
    let device = try Finished("\(folder)/save", [], in: folder)
    #expect(device.exitCode == 0)
    let read = try export("--read-back slot.bin --model softmax --output tuned.h5")
    #expect(
      read.exitCode == 0 && read.output.contains("weights sha256: \(device.output)"),
      "\(read.errors)")
    let file = try KerasFile.read(path: "\(folder)/tuned.h5")
    #expect(WeightsDigest.sha256(file.weights, of: file.model) == device.output)
    #expect(file.optimizerState?.slots.map(\.name) == ["momentum"] && file.iterations == 1)
    let bytes = try Data(contentsOf: URL(filePath: "\(folder)/slot.bin"))
    try bytes.dropLast(64).write(to: URL(filePath: "\(folder)/cut.bin"))
    let cases = [
      ("cut.bin --model softmax", "cut: \(bytes.count - 64) bytes, and \(bytes.count) were saved"),
      ("slot.bin --model lenet-plain", "saved by a library of another model"),
      ("slot.bin --model lenet", "saved by a library of another model"),
      ("tuned.h5 --model softmax", "no weights that a library of fixednet export saved"),
      ("nope.bin --model softmax", "cannot read 'nope.bin'"),
    ]
    for (options, message) in cases {
      Tool.expectRefusal(try export("--read-back \(options) --output no.h5"), message)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/no.h5"))
    }
    Tool.expectRefusal(
      try export("--read-back slot.bin --model tuned.h5 --output slot.bin"),
      "--output would overwrite 'slot.bin'", exitCode: 64)
  }
}
