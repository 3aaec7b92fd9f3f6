/// Why a model cannot become a C library, and what to do.
public struct ExportError: Error, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
