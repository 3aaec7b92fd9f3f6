import CSupport
import FixedNetCore

/// Whether the threads that have no block left share one, found out while a network runs: of two cores far from each other,
/// or busy with something else, one thread alone may be faster, and no plan knows that. Both ways have the same bits.
struct SharingTrial {
  /// Runs of either kind that are compared, pair by pair: one that was disturbed counts no more than another.
  private static let pairCount = 7
  /// Runs until the next trial, and the most, where one trial after the other says the same.
  private static let keptCount = 200
  private static let mostKeptCount = 12_800

  /// More threads than these share nothing: who waits for a thread of the group that has no processor waits long.
  var processorCount = Int(cs_processor_count())
  /// nil: whichever is faster.
  var choice: RunContext.Sharing?
  /// What the last trial said; the plan's opinion before.
  private var shares = true
  /// Runs of this trial, and how many pairs the shared one won.
  private var runCount = -2
  private var winCount = 0
  private var aloneTicks: UInt64 = 0
  /// Runs that are left until the next trial.
  private var keptCount = 0
  private var keepsFor = SharingTrial.keptCount
  /// The images of the runs that are compared, and how many runs of the trial had others: the last step of an epoch has.
  private var imageCount = 0
  private var otherCount = 0
  private static let mostOtherCount = 16

  /// Runs `body` with what it is to do.
  mutating func run(
    _ program: Program, _ context: inout RunContext, _ body: (inout RunContext) -> Void
  ) {
    if let choice {
      context.sharing = choice
      return body(&context)
    }
    guard program.canShare(imageCount: context.imageCount, threads: context.threadCount) else {
      return body(&context)
    }
    guard context.threadCount <= processorCount else {
      context.sharing = .never
      return body(&context)
    }
    guard keptCount == 0, isComparable(context.imageCount) else {
      keptCount = max(0, keptCount - 1)
      context.sharing = shares ? .worthwhile : .never
      return body(&context)
    }
    // The first two runs find cold caches. Then alone, together, alone, ...
    context.sharing = runCount % 2 != 0 ? .worthwhile : .never
    let start = cs_ticks()
    body(&context)
    note(cs_ticks() &- start)
  }

  private mutating func isComparable(_ images: Int) -> Bool {
    guard runCount > 0, images != imageCount else {
      imageCount = images
      return true
    }
    otherCount += 1
    if otherCount > SharingTrial.mostOtherCount { (runCount, winCount, otherCount) = (0, 0, 0) }
    return false
  }

  private mutating func note(_ ticks: UInt64) {
    if runCount >= 0, runCount % 2 == 0 { aloneTicks = ticks }
    // Where the processor has no clock both are 0, and the plan's opinion holds.
    if runCount >= 0, runCount % 2 == 1, ticks <= aloneTicks { winCount += 1 }
    runCount += 1
    let lossCount = max(0, runCount) / 2 - winCount
    let most = SharingTrial.pairCount / 2
    guard winCount > most || lossCount > most else { return }
    let isSame = shares == (winCount > most)
    shares = winCount > most
    keepsFor = isSame ? min(2 * keepsFor, SharingTrial.mostKeptCount) : SharingTrial.keptCount
    (keptCount, runCount, winCount, otherCount) = (keepsFor, 0, 0, 0)
  }
}
