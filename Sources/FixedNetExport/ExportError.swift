/// Why a model cannot become a C library, and what to do.
package struct ExportError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
