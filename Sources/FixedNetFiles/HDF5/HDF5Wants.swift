#if HDF5
  import CReader

  /// What is wanted of an HDF5 file: all that the helper looks at.
  struct HDF5Wants {
    enum Step {
      /// A name, or several with slashes in between.
      case name(String)
      /// 0, 1, ... as far as there are.
      case numbers
      /// Everything in the group.
      case all
      /// What an attribute of the group lists.
      case listed(String)
    }

    /// As what values are read.
    enum Form: Int {
      case float = 1
      case double = 2
      /// As they are stored: float32 for that and float16, else float64.
      case stored = 3
    }

    private(set) var count = 0
    private(set) var request = HelperRequest()
    private(set) var hasValues = false

    /// Whether there is such an object, and what it is: its link, and a dataset's type and shape.
    mutating func object(_ path: Step...) { add(FN_WANT_OBJECT, path) }

    mutating func attribute(_ name: String, of path: Step...) {
      add(FN_WANT_ATTRIBUTE, path)
      request.text(Array(name.utf8))
    }

    /// A list that Keras splits into name0, name1, ... when it is long.
    mutating func list(_ name: String, of path: Step...) {
      add(FN_WANT_LIST, path)
      request.text(Array(name.utf8))
    }

    /// The names in a group.
    mutating func names(in path: Step...) { add(FN_WANT_NAMES, path) }

    /// Values of datasets. `limit`: bytes that they may take; 0: as many as are small for the file.
    mutating func values(_ path: Step..., as form: Form, limit: Int = 0) {
      values(path, as: form, limit: limit)
    }

    mutating func values(_ path: [Step], as form: Form, limit: Int = 0) {
      add(FN_WANT_VALUES, path, form: form, limit: limit)
      hasValues = true
    }

    /// A dataset of strings as names of classes.
    mutating func labels(_ path: Step...) { add(FN_WANT_LABELS, path) }

    private mutating func add(
      _ kind: some BinaryInteger, _ path: [Step], form: Form? = nil, limit: Int = 0
    ) {
      count += 1
      request.number(Int(kind))
      if let form {
        request.number(form.rawValue)
        request.number(limit)
      }
      request.number(path.count)
      for step in path {
        switch step {
        case .name(let name): add(FN_STEP_NAME, name)
        case .numbers: add(FN_STEP_NUMBERS, "")
        case .all: add(FN_STEP_ALL, "")
        case .listed(let attribute): add(FN_STEP_LISTED, attribute)
        }
      }
    }

    private mutating func add(_ kind: some BinaryInteger, _ text: String) {
      request.number(Int(kind))
      request.text(Array(text.utf8))
    }
  }
#endif
