// ISA-L's inflate for Swift.
#pragma once
#include <isa-l/igzip_lib.h>
