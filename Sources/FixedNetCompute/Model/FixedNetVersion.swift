/// This library and its programs.
public enum FixedNetVersion {
  /// Semantic versioning. Source: semver.org.
  public static let current = "0.1.0"
}
