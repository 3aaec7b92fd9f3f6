// libmatio for Swift: it reads in a child process, and Swift reads from the child.
#pragma once
#include <matio.h>

#include "child.h"
#include "reader.h"
