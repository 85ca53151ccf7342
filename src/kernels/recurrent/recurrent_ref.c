/* recurrent_ref.c - LSTM and GRU steps in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/recurrent/recurrent.h"
#include "kernels/vec/vec_c.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/recurrent/recurrent_tmpl.h"
