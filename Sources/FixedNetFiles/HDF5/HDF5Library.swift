#if HDF5
  import CHDF5
  import Foundation

  /// libhdf5, set up once and used by one thread at a time.
  enum HDF5Library {
    private static let lock = NSLock()

    /// Runs `body` alone. Every call of libhdf5, and the end of every handle, is inside of one such body: the library
    /// may have been built without locks of its own.
    static func locked<Result>(
      _ body: () throws(CheckpointError) -> Result
    ) throws(CheckpointError) -> Result {
      lock.lock()
      defer { lock.unlock() }
      _ = isSetUp
      fn_h5_be_quiet()
      return try body()
    }

    /// No setting of the environment changes what a file means, and no plug-in is ever loaded.
    private static let isSetUp: Bool = {
      for name in [
        "HDF5_PLUGIN_PATH", "HDF5_PLUGIN_PRELOAD", "HDF5_EXT_PREFIX", "HDF5_VDS_PREFIX",
        "HDF5_DRIVER", "HDF5_VOL_CONNECTOR",
      ] {
        unsetenv(name)
      }
      return H5dont_atexit() >= 0 && H5open() >= 0 && H5PLset_loading_state(0) >= 0
    }()

    /// The reason of the last failure.
    static var lastMessage: String {
      fn_h5_last_message().map { String(cString: $0) } ?? "no reason given"
    }
  }

  /// An identifier of libhdf5, closed at the end of its life.
  struct HDF5Handle: ~Copyable {
    let id: hid_t

    /// Takes over `id`. Nil where it is a failure's.
    init?(_ id: hid_t) {
      guard id >= 0 else { return nil }
      self.id = id
    }

    deinit { H5Idec_ref(id) }

    /// Closes it now. False where libhdf5 reports a failure.
    consuming func close() -> Bool {
      let id = id
      discard self
      return H5Idec_ref(id) >= 0
    }
  }
#endif
