/* decimal.h - decimal text to f64, correctly rounded and the same in every locale
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_DECIMAL_H
#define MOTE_BASE_DECIMAL_H

#include "base/platform.h"
#include <stdbool.h>
#include <stddef.h>

/* Reads all n bytes as [+-]digits[.digits][(e|E)[+-]digits] with at least one digit before or after the point; the nearest f64, ties to
 * even; +-infinity and +-0 where the number is beyond f64's range. Digits after the 64th significant one count only as "not zero". False when
 * the text is anything else. */
bool mote_f64_from_text(const char *text, size_t n, double *out);

#endif
