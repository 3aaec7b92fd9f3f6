import CSupport
import FixedNetCore
import Foundation

/// 64 bytes of a known pattern in front of and behind the arena.
enum Canary {
  static let byteCount = Arena.alignment
  private static let pattern: UInt8 = 0xA5

  static func allocate(_ byteCount: Int) throws(NetworkError) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    let total = byteCount + 2 * Canary.byteCount
    guard posix_memalign(&memory, Arena.alignment, total) == 0, let memory else {
      throw .resources("\(total) bytes of memory")
    }
    memset(memory, Int32(pattern), Canary.byteCount)
    memset(memory + Canary.byteCount + byteCount, Int32(pattern), Canary.byteCount)
    return memory
  }

  static func isIntact(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) -> Bool {
    let bytes = UnsafeRawBufferPointer(start: memory, count: byteCount + 2 * Canary.byteCount)
    return bytes.prefix(Canary.byteCount).allSatisfy { $0 == pattern }
      && bytes.suffix(Canary.byteCount).allSatisfy { $0 == pattern }
  }
}

/// The kernels' threads, started once.
final class ThreadTeam {
  let team: OpaquePointer?
  let count: Int
  private let memory: UnsafeMutableRawPointer?

  init(count: Int) throws(NetworkError) {
    self.count = count
    guard count > 1 else {
      (team, memory) = (nil, nil)
      return
    }
    var memory: UnsafeMutableRawPointer?
    let size = cs_team_size(Int32(count))
    guard posix_memalign(&memory, Arena.alignment, size) == 0, let memory else {
      throw .resources("\(size) bytes for \(count) threads")
    }
    // The threads inherit this: a signal is for the program's own threads, which may hold it back.
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    guard let team = cs_team_start(memory, Int32(count)) else {
      free(memory)
      throw .resources("\(count) threads; ask for fewer with --threads")
    }
    (self.team, self.memory) = (team, memory)
  }

  deinit {
    if let team { cs_team_stop(team) }
    free(memory)
  }
}

/// A program whose operations are in memory of their own.
final class LoadedProgram {
  let program: Program
  private let operations: UnsafeMutableBufferPointer<FixedNetCore.Operation>
  /// Where the operations read what they are.
  private var descriptions: [UnsafeMutableRawPointer] = []
  private let backwardSteps: UnsafeMutableBufferPointer<BackwardStep>
  private let parameters: UnsafeMutableBufferPointer<Parameter>

  init(_ planned: PlannedProgram) {
    operations = .allocate(capacity: planned.operations.count)
    for (index, description) in planned.operations.enumerated() {
      let operation = LoadedProgram.load(description, &descriptions)
      operations.initializeElement(at: index, to: operation)
    }
    backwardSteps = .allocate(capacity: planned.backwardSteps.count)
    _ = backwardSteps.initialize(from: planned.backwardSteps)
    parameters = .allocate(capacity: planned.parameters.count)
    _ = parameters.initialize(from: planned.parameters)
    var program = Program(
      operations: UnsafeBufferPointer(operations), forwardCount: planned.forwardCount,
      backwardSteps: UnsafeBufferPointer(backwardSteps),
      parameters: UnsafeBufferPointer(parameters), layout: planned.layout,
      inputChannels: planned.input.shape.channels, inputPixels: planned.input.shape.pixels,
      input: planned.input.slot,
      outputChannels: planned.output.flattened?.channels ?? planned.output.shape.channels,
      outputPixels: planned.output.flattened?.pixels ?? planned.output.shape.pixels,
      output: planned.output.slot, targets: planned.targets,
      squaredNorms: planned.squaredNorms, updatesInBackward: planned.updatesInBackward,
      stripes: planned.stripes)
    program.augmentation = planned.augmentation
    self.program = program
  }

  private static func load<Description: OperationDescription>(
    _ description: Description, _ descriptions: inout [UnsafeMutableRawPointer]
  ) -> FixedNetCore.Operation {
    let place = UnsafeMutablePointer<Description>.allocate(capacity: 1)
    place.initialize(to: description)
    descriptions.append(UnsafeMutableRawPointer(place))
    return Description.operation(at: place)
  }

  deinit {
    for description in descriptions { description.deallocate() }
    operations.deallocate()
    backwardSteps.deallocate()
    parameters.deallocate()
  }
}
