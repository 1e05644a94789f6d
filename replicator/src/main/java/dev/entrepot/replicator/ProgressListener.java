package dev.entrepot.replicator;

import java.util.List;

/** Is told how a run goes, from many threads at once; returns quickly and throws nothing. */
public interface ProgressListener {
    /** Nobody listens. */
    ProgressListener NONE = new ProgressListener() {
        @Override
        public void planned(String target, long images, long bytes) {}

        @Override
        public void moved(String target, long bytes) {}

        @Override
        public void finished(ItemReport item) {}
    };

    /** Other rounds are busy at these targets, and this one is at all others; told before it has begun. */
    default void leavesOut(List<String> targets) {}

    /** The run has begun, and has this number in the journal. */
    default void begun(long run) {}

    /**
     * A target's plan is made.
     *
     * @param images images that will be reported by {@link #finished}
     * @param bytes bytes of blobs that will be moved
     */
    void planned(String target, long images, long bytes);

    /** The target has taken so many more bytes of blobs. */
    void moved(String target, long bytes);

    /** An image has ended at a target, one way or the other. */
    void finished(ItemReport item);
}
