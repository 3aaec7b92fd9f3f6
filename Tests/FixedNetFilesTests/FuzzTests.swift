#if HDF5 && MatIO
  import Foundation
  import FuzzTargets
  import TestSupport
  import Testing

  /// What the fuzzers kept (`make fuzz`), and a short search of its own. A trap in a parser ends the whole run.
  @Suite("Fuzzing", .serialized) struct FuzzTests {
    /// The inputs of a parser: the corpus, and what once broke it.
    private static func inputs(_ target: FuzzTarget) throws -> [[UInt8]] {
      var inputs: [[UInt8]] = []
      for folder in ["Corpus", "Regressions"] {
        let path = Fixtures.local("\(folder)/\(target)")
        for name in TestFiles.names(in: path) {
          inputs.append(try TestFiles.bytes("\(path)/\(name)"))
        }
      }
      return inputs
    }

    @Test("every input is read, or refused in one line", arguments: FuzzTarget.allCases)
    func kept(_ target: FuzzTarget) throws {
      let answers = try Self.inputs(target).map { target.run($0) }
      // The corpus gets through the parser, and is refused in many places.
      #expect(answers.contains("read"))
      #expect(Set(answers).count >= 5)
    }

    @Test("so are mutations of them", arguments: FuzzTarget.allCases)
    func mutated(_ target: FuzzTarget) throws {
      let inputs = try Self.inputs(target)
      try #require(!inputs.isEmpty)
      var mutator = Mutator(seed: 5)
      let clock = ContinuousClock()
      let start = clock.now
      var runs = 0
      while runs < 6 || (runs < 2000 && clock.now - start < .milliseconds(700)) {
        let bytes = mutator.mutated(inputs)
        target.run(runs % 2 == 0 ? bytes : target.repaired(bytes))
        runs += 1
      }
    }

    @Test("a wrong checksum is noticed, and repaired for a mutation to get past it")
    func repaired() throws {
      for (target, name) in [
        (FuzzTarget.idx, "idx/good.gz"), (.keras, "archives/good.keras"),
        (.mat, "mat/from_one.mat"),
      ] {
        let good = try TestFiles.bytes(TestFiles.path(name))
        var bytes = good
        // gzip: in front of the size; zlib: at the end; zip: in every entry of the directory.
        var places = [target == .idx ? bytes.count - 8 : bytes.count - 1]
        if target == .keras {
          places = bytes.indices.dropLast(4)
            .filter { bytes[$0..<$0 + 4].elementsEqual([0x50, 0x4B, 1, 2]) }.map { $0 + 16 }
        }
        for place in places { bytes[place] ^= 1 }
        #expect(target.run(good) == "read")
        #expect(target.run(bytes).contains("check"))
        #expect(target.repaired(bytes) == good)
      }
    }
  }

  /// Random changes of files: bytes, lengths and places that numbers may stand for.
  private struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func next(_ bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
      return Int((value ^ value >> 31) % UInt64(max(bound, 1)))
    }

    mutating func mutated(_ inputs: [[UInt8]]) -> [UInt8] {
      var bytes = inputs[next(inputs.count)]
      for _ in 0...next(4) where !bytes.isEmpty {
        let place = next(bytes.count)
        switch next(6) {
        case 0: bytes[place] ^= 1 << UInt8(next(8))
        case 1: bytes[place] = UInt8(next(256))
        case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][next(5)]
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + next(8)))
        case 4: bytes.insert(UInt8(next(256)), at: place)
        default:
          let other = inputs[next(inputs.count)]
          let start = next(other.count)
          let part = other[start..<min(other.count, start + 1 + next(16))]
          bytes.replaceSubrange(place..<min(bytes.count, place + part.count), with: part)
        }
      }
      return bytes
    }
  }
#endif
