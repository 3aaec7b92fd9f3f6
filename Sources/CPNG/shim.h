// libpng, for CReader.
#pragma once
#include <png.h>
