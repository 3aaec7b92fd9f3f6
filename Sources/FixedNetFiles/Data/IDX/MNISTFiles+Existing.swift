import Foundation

extension MNISTFiles {
  /// The data set's files that there are, under any of their names, in all folders that are searched for them.
  package static func existing(
    _ name: MNISTName, directory: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> [String] {
    folders(name, directory: directory, environment: environment).flatMap { folder in
      MNISTFile.allCases.flatMap(\.spellings).map { "\(folder)/\($0)" }
    }.filter { access($0, F_OK) == 0 }
  }
}
