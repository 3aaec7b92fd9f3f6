import ExportTool
import ToolSupport

ExportCommand.runTool()
