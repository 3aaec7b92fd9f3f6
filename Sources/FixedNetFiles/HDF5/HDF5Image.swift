#if HDF5
  import CHDF5

  /// A whole HDF5 file in memory, for libhdf5 to read without a copy.
  final class HDF5Image {
    let count: Int
    private let bytes: UnsafeMutableRawBufferPointer
    /// What libhdf5 holds on to while the image is open.
    let source: UnsafeMutablePointer<fn_h5_source>

    /// `fill` writes all `count` bytes.
    init<Problem: Error>(
      count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(Problem) -> Void
    ) throws(Problem) {
      self.count = count
      bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
      source = UnsafeMutablePointer.allocate(capacity: 1)
      source.initialize(
        to: fn_h5_source(path: nil, bytes: UnsafeRawPointer(bytes.baseAddress), size: count))
      try fill(UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count)))
    }

    /// The first bytes, at most 8.
    var start: [UInt8] { Array(bytes.prefix(min(count, 8))) }

    deinit {
      source.deallocate()
      bytes.deallocate()
    }
  }

  /// The names that a trial reading looks for, as C sees them.
  enum HDF5Wanted {
    /// `fn_h5_probe` with `names` and those of the training state.
    static func probe(_ source: UnsafePointer<fn_h5_source>, names: [String]) -> Int {
      withPointers(names) { names, nameCount in
        withPointers(TrainingState.attributes) { attributes, attributeCount in
          withPointers(TrainingState.lists) { lists, listCount in
            var wanted = fn_h5_wanted(
              names: names, name_count: nameCount, attributes: attributes,
              attribute_count: attributeCount, lists: lists, list_count: listCount)
            return Int(fn_h5_probe(source, &wanted))
          }
        }
      }
    }

    private static func withPointers<Result>(
      _ strings: [String],
      _ body: (UnsafePointer<UnsafePointer<CChar>?>?, Int) -> Result
    ) -> Result {
      // One block of all texts, each ended by a zero, and pointers into it.
      var text: [CChar] = []
      var starts: [Int] = []
      for string in strings {
        starts.append(text.count)
        text += string.utf8CString
      }
      return text.withUnsafeBufferPointer { text in
        let pointers = starts.map { start in text.baseAddress.map { base in base + start } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
      }
    }
  }
#endif
