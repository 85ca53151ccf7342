/* kernel.h - what all kernel families share: check classes of a row, lanes, panels
 * SPDX-License-Identifier: Apache-2.0
 *
 * A family has a table (<family>.inc or the array in <family>.c) of rows, best first. A row begins with a name
 * mote_<family>_<types in argument order>[_<tile>]_<isa> and the feature bits that it needs (base/cpu.h), and carries its functions, its tile and
 * how it is checked. Selection is the first row of the wanted types whose bits are all in the mask given: pure, so the plan stores the pointer and
 * a test can ask for any mask. The last row of each family is plain C and needs nothing. How to add one: docs/kernels.md. */
#ifndef MOTE_KERNELS_KERNEL_H
#define MOTE_KERNELS_KERNEL_H

#include "base/cpu.h"

typedef enum mote_check {
    MOTE_CHECK_EXACT = 0,      /* integers: equal to the C row */
    MOTE_CHECK_CONSISTENT = 1, /* floats: the C row's bits on every input (a NaN's sign and payload excepted) */
    MOTE_CHECK_BOUND = 2,      /* within the bound that the family states */
} mote_check;

enum { MOTE_LANES = 16 }; /* floats to a vector in every layout that is packed in vectors, whatever the registers */

#endif
