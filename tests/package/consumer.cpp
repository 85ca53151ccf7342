/* consumer.cpp - the same from C++
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote.h>
#include <cstdio>

int main()
{
    mote_diag diag = MOTE_DIAG_INIT;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    mote_tensor tensor = MOTE_TENSOR_INIT;
    load.memory_limit = 1;
    tensor.rank = 1;
    std::printf("mote %s %d %d\n", mote_version(), static_cast<int>(diag.code), static_cast<int>(tensor.rank));
    return mote_dtype_bits(MOTE_DTYPE_S4) == 4 ? 0 : 1;
}
