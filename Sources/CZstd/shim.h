// zstd has no macros that Swift needs; this header names what the one importer uses.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>
