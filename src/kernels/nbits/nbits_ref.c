/* nbits_ref.c - weights of few bits in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/nbits/nbits.h"
#include "kernels/vec/vec_c.h"
#include "kernels/nbits/nbits_tmpl.h"
