// Package blob keeps the bytes of objects and parts as checksummed blocks,
// inline in an index row or in a file of their own.
//
// # Vocabulary
//
// A blob is the payload of one object version or part, written once and never
// changed. Its [Ref] names it for ever: an epoch, which is the directory its
// file lies in, and a number that is unique in the whole store. A blob up to
// the inline limit is returned encoded, for the caller to put in an index row;
// its epoch is 0. A larger one is the file
//
//	<folder>/<epoch>/<number>        %08x and %016x
//
// An epoch is open while new files go into it. A run begins a new one with its
// first file and another after a time or a number of files. Its number is
// durable elsewhere before its directory exists (Options.NewEpoch), so no two
// runs share a directory. A file is unsettled from its creation until Settle
// says that its index row is durable, or until it is discarded. [Folder.Floor]
// lies above no unsettled file, so a start after a crash looks for files
// without a row only at and above the last floor that was made durable.
//
// # Encoding
//
// Inline and in a file a blob is one header and its blocks, without gaps. All
// numbers are big endian, all sums are CRC-32C (Castagnoli).
//
//	offset  bytes  header field
//	0       4      "tsbl"
//	4       1      format version, 1
//	5       1      kind of block trailer: 1 = CRC-32C
//	6       2      length of the key, k
//	8       4      block size in bytes, B: 1 to 1,048,576
//	12      4      epoch of the ref, 0 when inline
//	16      8      number of the ref
//	24      8      id of the bucket
//	32      k      key
//	32+k    4      sum of the bytes before it
//
//	offset            bytes  block i, of n = ceil(size/B)
//	36+k + i(B+4)     p      payload: B bytes, in the last block the rest
//	36+k + i(B+4)+p   4      sum of: number of the ref (8), i (8), payload (p)
//
// A file may have several names ([Folder.Link]): each is a ref of its own, of which
// one owner knows, and the header names the first of them, the origin. The bytes
// go with the last name.
//
// An empty blob is a header only. The number and the index in a block's sum
// tell a block that was written to a wrong place from the right one. The size
// of the payload stands in the index row and fixes the length of the file, so
// a file that was cut or grew is damaged.
//
// # What a reader may rely on
//
// No byte leaves this package before the block it lies in was verified. A
// reader that meets damage in the first block it needs is never handed out.
// Damage is a [DamageError] and errors.Is [ErrDamaged]; a file that is not there
// is fs.ErrNotExist.
//
// # What survives a crash
//
//   - Write of a file returns after the file and its directory are synced, and
//     the directory's own entry was synced before. The caller writes the index
//     row afterwards, so a row never names a file that a crash can take away.
//   - A Write that fails, and Discard, remove the file and sync its directory
//     before the epoch may be passed by the floor.
//   - Remove returns after the directories are synced, so the caller may forget
//     the refs.
//   - Nothing here deletes a file that the caller did not name, apart from the
//     empty directories of closed epochs.
package blob
