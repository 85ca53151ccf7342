/* sha256.h - SHA-256, for names of content (FIPS 180-4)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_SHA256_H
#define MOTE_BASE_SHA256_H

#include "base/platform.h"
#include <stddef.h>
#include <stdint.h>

typedef struct mote_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} mote_sha256;

void mote_sha256_init(mote_sha256 *s);
void mote_sha256_put(mote_sha256 *s, const void *data, size_t bytes);
void mote_sha256_end(mote_sha256 *s, uint8_t digest[32]);
/* The digest as 64 lower-case hexadecimal digits and a NUL. */
void mote_sha256_hex(const uint8_t digest[32], char hex[65]);

#endif
