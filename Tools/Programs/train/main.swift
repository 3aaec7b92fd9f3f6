import ToolSupport
import TrainTool

Train.runTool()
