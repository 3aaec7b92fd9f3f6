import EvalTool
import ToolSupport

Eval.runTool()
