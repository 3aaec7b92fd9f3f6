import PlanTool
import ToolSupport

PlanCommand.runTool()
