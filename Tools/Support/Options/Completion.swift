import ArgumentParser
import FixedNet
import Foundation

// What a shell offers after Tab.

extension CompletionKind {
  /// A path of any file.
  package static var path: CompletionKind { .file() }

  /// The same for what stands alone, without an option's name: fish 3 takes the script's own -F there for nothing.
  package static var argumentPath: CompletionKind {
    // Where it is asked for files itself, no shell is known yet.
    [.bash, .zsh].contains(CompletionShell.requesting) ? .path : .names([])
  }

  /// A built-in model, or a file.
  package static var model: CompletionKind { .names(BuiltInModel.allCases.map(\.rawValue)) }

  /// One of Keras' losses.
  package static var loss: CompletionKind { .list(Loss.Function.allCases.map(\.rawValue)) }

  /// A name, or a file.
  package static func names(_ names: [String]) -> CompletionKind {
    .custom { _, _, start in
      names.filter { $0.hasPrefix(start) } + paths(startingWith: start)
    }
  }

  /// Files, and folders with a slash behind them. Hidden ones only where the name begins with a dot.
  private static func paths(startingWith start: String) -> [String] {
    let folder = start.lastIndex(of: "/").map { String(start[...$0]) } ?? ""
    let name = start.dropFirst(folder.count)
    let files = FileManager.default
    let found = (try? files.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
    return found.filter { $0.hasPrefix(name) && ($0.hasPrefix(".") == name.hasPrefix(".")) }
      .sorted().map { file in
        var isFolder: ObjCBool = false
        _ = files.fileExists(atPath: folder + file, isDirectory: &isFolder)
        return folder + file + (isFolder.boolValue ? "/" : "")
      }
  }
}

/// What the argument parser writes for shells.
package enum CompletionScript {
  /// The same with options that fish takes for what they are: 'x-test=' is -x to it, with the long name test, and beside
  /// 'x=' one too many, so that nothing is completed. 'X/x-test=' says --x-test.
  package static func mended(_ text: String) -> String {
    text.replacing(/'([a-z])-([a-z-]+=\+?')/) { match in
      "'\(match.1.uppercased())/\(match.1)-\(match.2)"
    }
  }
}
