package dev.entrepot.cache;

/** Is told how far the check of a partial file has come. */
@FunctionalInterface
interface ProgressListener {
    /**
     * Called on the thread that checks, after each step.
     *
     * @param writtenBytes the length of the prefix that is hashed, and so readable
     */
    void hashed(long writtenBytes);
}
