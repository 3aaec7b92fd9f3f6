extension MemoryPlan {
  /// The plan as an SVG drawing: steps to the right, addresses upwards, one rectangle per slot in the colour of its
  /// region. The thread's and the block's part are drawn once, with the number of their copies.
  public func figure(title: String) -> String { PlanFigure(plan: self, title: title).svg }
}

/// Draws a plan. Units: pixels, unless a name says otherwise.
private struct PlanFigure {
  let plan: MemoryPlan
  let title: String

  static let width = 960.0
  static let left = 78.0
  static let right = 16.0
  static let top = 78.0
  /// Height of all panels together, and the least of one of them.
  static let panelsHeight = 500.0
  static let leastHeight = 60.0
  static let gap = 26.0

  /// What stands under each step; names from files may be of any length.
  private var stepLabels: [String] {
    plan.steps.enumerated().map { step, name in
      let name = OneLine.short(name)
      return "\(step) " + (name.count > 30 ? name.prefix(29) + "…" : name)
    }
  }

  /// Height of the slanted labels and the title of the axis below them.
  private var bottom: Double {
    (stepLabels.map { textWidth($0, size: 11) }.max() ?? 0) * 0.85 + 48
  }

  /// Width of one step.
  private var stepWidth: Double {
    (PlanFigure.width - PlanFigure.left - PlanFigure.right) / Double(max(plan.steps.count, 1))
  }

  private func x(_ step: Int) -> Double { PlanFigure.left + Double(step) * stepWidth }

  var svg: String {
    var body = legend
    var y = PlanFigure.top
    for panel in panels {
      y += PlanFigure.gap
      body += drawing(of: panel, top: y)
      y += panel.height
    }
    body += stepAxis(top: y)
    let label = "address within the part (KiB)"
    let middle = (PlanFigure.top + y) / 2
    body += text(
      label, x: 18, y: middle, size: 13, anchor: "middle", turned: -90, colour: "#222222")
    return head(height: y + bottom) + body + "</svg>\n"
  }

  private func head(height: Double) -> String {
    let extent = "\(number(PlanFigure.width)) \(number(height))"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(extent)" \
      width="\(number(PlanFigure.width))" height="\(number(height))" \
      font-family="Helvetica, Arial, sans-serif">
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(text(String(title.prefix(110)), x: PlanFigure.left, y: 28, size: 15, colour: "#000000"))\
      \(text(subtitle, x: PlanFigure.left, y: 48, size: 13, colour: "#444444"))
      """
  }

  private var subtitle: String {
    let parts = panels.reversed().map { panel in
      "\(Format.binaryUnits(panel.byteCount)) "
        + (panel.scope == .shared ? "shared" : plan.copiesLabel(of: panel.scope))
    }
    return
      "arena: \(Format.grouped(plan.byteCount)) bytes (\(Format.binaryUnits(plan.byteCount))) = "
      + parts.joined(separator: " + ")
  }

  private var legend: String {
    var result = ""
    var x = PlanFigure.left
    for region in Region.allCases where plan.byteCount(of: region) > 0 {
      result +=
        "<rect x=\"\(number(x))\" y=\"62\" width=\"13\" height=\"13\" fill=\"\(region.colour)\"/>\n"
      result += text(region.rawValue, x: x + 19, y: 73, size: 13, colour: "#222222")
      x += 19 + textWidth(region.rawValue, size: 13) + 24
    }
    return result
  }
}

// MARK: - Panels

extension PlanFigure {
  /// One part of the arena.
  private struct Panel {
    var scope: Scope
    var title: String
    var byteCount: Int
    var height = 0.0
  }

  /// Blocks on top, the shared part at the bottom: addresses grow upwards. Heights follow the bytes as far as the least
  /// height allows.
  private var panels: [Panel] {
    let layout = plan.layout
    let images = layout.blockSize == 1 ? "1 image" : "\(layout.blockSize) images"
    var panels = [
      Panel(
        scope: .block, title: "one block of \(images)", byteCount: layout.blockStride),
      Panel(scope: .thread, title: "one thread", byteCount: layout.threadStride),
      Panel(scope: .shared, title: "shared", byteCount: layout.sharedByteCount),
    ].filter { $0.byteCount > 0 }
    let total = Double(max(panels.reduce(0) { $0 + $1.byteCount }, 1))
    let room = PlanFigure.panelsHeight - Double(panels.count) * PlanFigure.leastHeight
    for index in panels.indices {
      panels[index].height = PlanFigure.leastHeight + room * Double(panels[index].byteCount) / total
    }
    return panels
  }

  private func drawing(of panel: Panel, top: Double) -> String {
    let scale = panel.height / Double(panel.byteCount)
    let base = top + panel.height
    let copies = panel.scope == .shared ? "" : ", \(plan.copiesLabel(of: panel.scope))"
    let title = "\(panel.title): \(Format.binaryUnits(panel.byteCount))\(copies)"
    var result = text(title, x: PlanFigure.left, y: top - 7, size: 13, colour: "#222222")
    let width = PlanFigure.width - PlanFigure.left - PlanFigure.right
    result +=
      "<rect x=\"\(number(PlanFigure.left))\" y=\"\(number(top))\" width=\"\(number(width))\" "
      + "height=\"\(number(panel.height))\" fill=\"#f2f2f2\" stroke=\"#444444\"/>\n"
    for slot in plan.slotsByOffset where slot.scope == panel.scope {
      result += rectangle(slot, base: base, scale: scale)
    }
    return result + addressAxis(panel, base: base, scale: scale)
  }

  /// `scale`: pixels per byte.
  private func rectangle(_ slot: PlannedSlot, base: Double, scale: Double) -> String {
    let width = Double(slot.lastStep - slot.firstStep + 1) * stepWidth
    let height = max(Double(slot.byteCount) * scale, 0.3)
    let left = x(slot.firstStep)
    let top = base - Double(slot.byteOffset) * scale - height
    let edge = height > 3 ? " stroke=\"#ffffff\" stroke-width=\"0.8\"" : ""
    let hint =
      "\(slot.name): \(slot.byteCount) bytes at \(plan.arenaOffset(of: slot)), "
      + "steps \(slot.firstStep) to \(slot.lastStep)"
    return "<rect x=\"\(number(left))\" y=\"\(number(top))\" width=\"\(number(width))\" "
      + "height=\"\(number(height))\" fill=\"\(slot.region.colour)\"\(edge)>"
      + "<title>\(MarkupText.xml(hint))</title></rect>\n"
      + label(slot, left: left, top: top, width: width, height: height)
  }

  /// The slot's name where it fits: in one line, smaller, or a word to a line.
  private func label(
    _ slot: PlannedSlot, left: Double, top: Double, width: Double, height: Double
  ) -> String {
    let name = OneLine.short(slot.name)
    let words = name.replacing("/", with: "/ ").split(separator: " ").map(String.init)
    for (lines, size) in [([name], 12.0), (words, 12), ([name], 10), (words, 10)] {
      let length = lines.map { textWidth($0, size: size) }.max() ?? 0
      let lineHeight = size * 1.15
      guard length + 6 <= width, lineHeight * Double(lines.count) <= height else { continue }
      let first = top + height / 2 - lineHeight * (Double(lines.count) - 1) / 2 + size * 0.35
      return lines.enumerated().map { index, line in
        text(
          line, x: left + width / 2, y: first + Double(index) * lineHeight, size: size,
          anchor: "middle", colour: slot.region.textColour)
      }.joined()
    }
    return ""
  }
}

// MARK: - Axes

extension PlanFigure {
  private func addressAxis(_ panel: Panel, base: Double, scale: Double) -> String {
    let count = max(2, Int(panel.height / 30))
    let stepInKiB = niceStep(Double(panel.byteCount) / 1024 / Double(count))
    var result = ""
    var tick = 0.0
    while tick * 1024 <= Double(panel.byteCount) {
      let y = base - tick * 1024 * scale
      result += line(PlanFigure.left - 5, y, PlanFigure.left, y)
      result += text(
        number(tick), x: PlanFigure.left - 9, y: y + 4, size: 11, anchor: "end", colour: "#222222")
      tick += stepInKiB
    }
    return result
  }

  private func stepAxis(top: Double) -> String {
    var result = ""
    let stride = max(1, Int((12 / stepWidth).rounded(.up)))
    for (step, label) in stepLabels.enumerated() where step % stride == 0 {
      let middle = x(step) + stepWidth / 2
      result += line(middle, top, middle, top + 5)
      result += text(
        label, x: middle + 4, y: top + 14, size: 11, anchor: "end", turned: -50,
        colour: "#222222")
    }
    let middle = (PlanFigure.left + PlanFigure.width - PlanFigure.right) / 2
    return result
      + text(
        "step", x: middle, y: top + bottom - 10, size: 13, anchor: "middle",
        colour: "#222222")
  }

  /// 1, 2 or 5 times a power of ten, at least `least`.
  private func niceStep(_ least: Double) -> Double {
    var power = 0.01
    while power * 10 <= least { power *= 10 }
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least } ?? least
  }
}

// MARK: - Elements

extension Region {
  /// Okabe and Ito's palette, which the colour-blind can tell apart.
  fileprivate var colour: String {
    switch self {
    case .parameters: "#0072b2"
    case .statistics: "#56b4e9"
    case .gradients: "#d55e00"
    case .constants: "#999999"
    case .optimizer: "#cc79a7"
    case .directions: "#e69f00"
    case .products: "#f5c710"
    case .activations: "#009e73"
    case .scratch: "#f0e442"
    }
  }

  fileprivate var textColour: String {
    switch self {
    case .parameters, .gradients, .activations: "#ffffff"
    case .statistics, .constants, .optimizer, .directions, .products, .scratch: "#000000"
    }
  }
}

private func text(
  _ content: String, x: Double, y: Double, size: Double, anchor: String = "start",
  turned: Double = 0, colour: String
) -> String {
  let turn = turned == 0 ? "" : " transform=\"rotate(\(number(turned)) \(number(x)) \(number(y)))\""
  return "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" "
    + "text-anchor=\"\(anchor)\" fill=\"\(colour)\"\(turn)>\(MarkupText.xml(content))</text>\n"
}

private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
  "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
    + "stroke=\"#444444\"/>\n"
}

/// About what a sans-serif face needs.
private func textWidth(_ content: String, size: Double) -> Double {
  Double(TextWidth.columns(of: content)) * size * 0.54
}

/// Two decimals at most.
private func number(_ value: Double) -> String {
  let rounded = (value * 100).rounded() / 100
  return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
