import BenchTool
import ToolSupport

BenchCommand.runTool()
