import StudyTool
import ToolSupport

StudyCommand.runTool()
