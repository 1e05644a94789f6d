package dev.entrepot.cache;

import java.io.IOException;
import java.io.InterruptedIOException;
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

    private final List<IndexReader> all;
    private final BlockingQueue<IndexReader> idle;

    /** Takes over the readers. */
    IndexReaders(List<IndexReader> readers) {
        this.all = List.copyOf(readers);
        this.idle = new ArrayBlockingQueue<>(readers.size(), false, readers);
    }

    /**
     * Asks a question, after those who came first.
     *
     * @throws IOException if the database fails or no reader is idle for ten seconds
     */
    <T> T ask(Question<T> question) throws IOException {
        IndexReader reader = take();
        try {
            return question.ask(reader);
        } catch (SQLException e) {
            throw new IOException("the index cannot be read: " + e.getMessage(), e);
        } finally {
            idle.add(reader);
        }
    }

    private IndexReader take() throws IOException {
        try {
            IndexReader reader = idle.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            if (reader == null) {
                throw new IOException("the index cannot be read: no connection became idle in " + WAIT_SECONDS + " s");
            }
            return reader;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the index");
        }
    }

    @Override
    public void close() throws SQLException {
        for (IndexReader reader : all) {
            reader.close();
        }
    }
}
