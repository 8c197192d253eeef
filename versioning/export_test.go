package versioning

// Operations is the number of operations, so that tests can see that they name all.
const Operations = int(operations)
