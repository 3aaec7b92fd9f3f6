import ArgumentParser
import FixedNetFiles

/// The options that say which columns of a table, or which arrays of a file, are the data.
package struct ColumnOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "With a table: the column of the answers, by its name or, from 1 on, its number; or inputs: "
        + "of any data, the samples themselves, for an autoencoder. (default: the one called label, target, class, "
        + "species, category, outcome or y, else the last)",
      valueName: "column"))
  package var target: String?

  @Option(
    help: ArgumentHelp(
      "With --target inputs: train on the samples of this class alone; eval says how well the error of each "
        + "sample tells the others from them. (default: as the file to evaluate was trained; all)",
      valueName: "class"))
  package var normal: String?

  @Option(
    help: ArgumentHelp(
      "With a table: a column to pass over, by name or number; may be given several times.",
      valueName: "column"))
  package var ignoreColumn: [String] = []

  @Option(
    help: ArgumentHelp(
      "With a table: what stands between the fields. (default: what fits)",
      valueName: "comma|semicolon|tab"))
  package var delimiter: TableDelimiter?

  @Option(
    help: ArgumentHelp(
      "With a file of arrays: what the samples are called there, in HDF5 also as GROUP/NAME. "
        + "(default: x, X, x_train, data and the like, where only one of them is there)",
      valueName: "name"))
  package var x: String?

  @Option(
    help: ArgumentHelp(
      "The same for the answers. (default: y, y_train, label...)", valueName: "name")
  )
  package var y: String?

  @Option(help: ArgumentHelp("The same for the samples of the test set.", valueName: "name"))
  package var xTest: String?

  @Option(help: ArgumentHelp("The same for the answers of the test set.", valueName: "name"))
  package var yTest: String?

  package init() {}

  package func validate() throws {
    let isAlone = learnsInputs && yTest == nil
    guard (xTest == nil) == (yTest == nil) || isAlone else {
      throw ValidationError("--x-test and --y-test belong together; give both")
    }
    let empty = named.first { $0.name?.isEmpty ?? false }?.option
    if let option = empty ?? (ignoreColumn.contains("") ? "--ignore-column" : nil) {
      throw ValidationError("\(option) must be a name, found ''")
    }
  }

  private var named: [(option: String, name: String?)] {
    [
      ("--target", target), ("--normal", normal), ("--x", x), ("--y", y), ("--x-test", xTest),
      ("--y-test", yTest),
    ]
  }

  /// The first option that was given.
  package var firstGiven: String? {
    let others = [("--ignore-column", !ignoreColumn.isEmpty), ("--delimiter", delimiter != nil)]
    return named.first { $0.name != nil }?.option ?? others.first(where: \.1)?.0
  }

  /// Whether the samples are to be their own answers.
  package var learnsInputs: Bool { target == "inputs" }

  /// As a data file takes them.
  package var options: DataFileOptions {
    var options = DataFileOptions()
    options.target = learnsInputs ? nil : target
    options.learnsInputs = learnsInputs
    options.ignoredColumns = ignoreColumn
    options.delimiter = delimiter
    options.arrays = DataArrayNames(x: x, y: y, xTest: xTest, yTest: yTest)
    return options
  }
}

extension TableDelimiter: ExpressibleByArgument {}
