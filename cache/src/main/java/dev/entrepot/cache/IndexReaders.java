package dev.entrepot.cache;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** The connections that read, lent out to one question at a time. Safe for all threads. */
final class IndexReaders implements AutoCloseable {
    private static final long WAIT_SECONDS = 10;

    /** A question to the database. */
    @FunctionalInterface
    interface Question<T> {
        /** Asks it; the reader is not kept. */
        T ask(IndexReader reader) throws SQLException;
    }

    /** Opens another connection that reads. */
    @FunctionalInterface
    interface Opener {
        /** Opens it. */
        IndexReader open() throws SQLException;
    }

    /** A connection, and whether a question has failed on it: then the driver has closed its statement for good. */
    private static final class Slot {
        private IndexReader reader;
        private boolean failed;

        Slot(IndexReader reader) {
            this.reader = reader;
        }
    }

    private final List<Slot> all;
    private final BlockingQueue<Slot> idle;
    private final Opener opener;

    /** Takes over the readers, and opens others in the place of those that fail. */
    IndexReaders(List<IndexReader> readers, Opener opener) {
        this.all = readers.stream().map(Slot::new).toList();
        this.idle = new ArrayBlockingQueue<>(all.size(), false, all);
        this.opener = opener;
    }

    /**
     * Asks a question, after those who came first. An interrupt is kept for later.
     *
     * @throws IOException if the database fails or no reader is idle for ten seconds
     */
    <T> T ask(Question<T> question) throws IOException {
        Slot slot = take();
        try {
            if (slot.failed) {
                renew(slot);
            }
            return question.ask(slot.reader);
        } catch (SQLException e) {
            slot.failed = true;
            throw new IOException("the index cannot be read: " + e.getMessage(), e);
        } finally {
            idle.add(slot);
        }
    }

    private void renew(Slot slot) throws SQLException {
        IndexReader former = slot.reader;
        slot.reader = opener.open();
        slot.failed = false;
        former.close();
    }

    // Those before take milliseconds. An answer that an interrupt had cost would look like a database that fails, and
    // the next start would compare it with all files.
    private Slot take() throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    Slot slot = idle.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                    if (slot == null) {
                        throw new IOException(
                                "the index cannot be read: no connection became idle in " + WAIT_SECONDS + " s");
                    }
                    return slot;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() throws SQLException {
        for (Slot slot : all) {
            slot.reader.close();
        }
    }
}
