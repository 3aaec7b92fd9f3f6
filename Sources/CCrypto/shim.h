// The message digests of libcrypto for Swift.
#pragma once
#include <openssl/evp.h>
