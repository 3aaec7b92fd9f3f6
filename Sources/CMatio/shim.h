// libmatio, for CReader.
#pragma once
#include <matio.h>
