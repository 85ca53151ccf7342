/* letters.h - code points of UTF-8 text: reading, upper and lower case, spaces
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_LETTERS_H
#define MOTE_OPS_LETTERS_H

#include "base/str.h"

/* The code point at p of n > 0 bytes, and how many bytes it takes. A byte that begins none is U+FFFD, and takes one. */
uint32_t mote_letter_at(const char *p, size_t n, size_t *bytes);
/* Unicode's simple mappings (one code point to one). */
uint32_t mote_letter_lower(uint32_t c);
uint32_t mote_letter_upper(uint32_t c);
/* Code points that are one without regard to case have one fold (Unicode's simple case folding, up to the choice of the one). */
uint32_t mote_letter_fold(uint32_t c);
/* All code points with c's fold, c among them; gives their number. */
enum { MOTE_LETTER_ORBIT = 4 };
size_t mote_letter_orbit(uint32_t c, uint32_t orbit[MOTE_LETTER_ORBIT]);
bool mote_letter_is_space(uint32_t c);
/* Writes text in lower or upper case to `out`, which has room for 3 n + 1 bytes; gives the length. Bytes that are no UTF-8 stay as they are. */
size_t mote_letters_change(mote_str text, bool upper, char *out);

#endif
