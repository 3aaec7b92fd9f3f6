/// What was tried, and what did not hold.
struct Tally: Sendable {
  var networks = 0
  var layers = 0
  /// Those that train by Winograd's convolution.
  var winogradNetworks = 0
  var slotPairs = 0
  var runs = 0
  var directions = 0
  /// Directions along which the gradient is large enough to prove something.
  var checkedDirections = 0
  var files = 0
  var filesForKeras = 0
  var failures: [String] = []

  mutating func add(_ other: Tally) {
    networks += other.networks
    layers += other.layers
    winogradNetworks += other.winogradNetworks
    slotPairs += other.slotPairs
    runs += other.runs
    directions += other.directions
    checkedDirections += other.checkedDirections
    files += other.files
    filesForKeras += other.filesForKeras
    failures += other.failures
  }

  /// In Markdown.
  var table: String {
    """
    | random networks | \(networks), of \(layers) layers; \(winogradNetworks) train by Winograd's convolution |
    |---|---|
    | pairs of slots alive together, disjoint | \(slotPairs) |
    | training runs with the bits of the first: threads, instruction sets, batch in parts, least memory, resumed | \(runs) |
    | gradients along random directions, equal to central differences | \(checkedDirections) |
    | files written and read again, the same bits | \(files) |
    | properties that did not hold | \(failures.count) |
    """
  }
}
