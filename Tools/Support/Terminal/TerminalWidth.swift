import FixedNet
import Foundation

/// How wide a terminal is.
package enum TerminalWidth {
  /// Of a terminal that does not say.
  package static let usual = 80

  /// Columns that a line may have so that it is redrawn in place: all but the last, behind which some terminals have
  /// begun the next line. Asked anew each time, as windows change. Allocates nothing.
  package static func room(of descriptor: Int32) -> Int {
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return (isKnown ? Int(size.ws_col) : usual) - 1
  }
}
