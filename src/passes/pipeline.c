/* pipeline.c - the ordered list of passes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/pass.h"

mote_status mote_passes_run(mote_module *m, const mote_pass_options *o, mote_diag *diag)
{
    (void)o;
    return mote_module_verify(m, diag);
}
