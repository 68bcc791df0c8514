// AddressSanitizer's word about every block of memory; only `dongbo-fuzz` is linked with it.
#pragma once
#include <stddef.h>

extern int __sanitizer_install_malloc_and_free_hooks(
    void (*taken)(const volatile void *, size_t), void (*given)(const volatile void *));
extern size_t __sanitizer_get_allocated_size(const volatile void *);
