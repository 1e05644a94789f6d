package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.proxy.http.RangeHeader.Selection;
import dev.entrepot.proxy.http.RangeHeader.Span;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RangeHeaderTest {
    private static String select(String header, long total) {
        return RangeHeader.parse(header)
                .map(range -> switch (range.select(total)) {
                    case Selection.Whole _ -> "whole";
                    case Selection.Unsatisfiable _ -> "416";
                    case Selection.TooMany _ -> "400";
                    case Selection.Single(Span span) -> text(span);
                    case Selection.Multiple(List<Span> spans) ->
                        spans.stream().map(RangeHeaderTest::text).collect(Collectors.joining("+", "multi ", ""));
                })
                .orElse("ignored");
    }

    private static String text(Span span) {
        return span.first() + "-" + span.last();
    }

    @ParameterizedTest(name = "{0} of {1} -> {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "bytes=500-1499|2048|500-1499",
                "bytes=500-|2048|500-2047",
                "bytes=0-|2048|0-2047",
                "bytes=0-0|2048|0-0",
                "bytes=-500|2048|1548-2047",
                "bytes=-5000|2048|0-2047",
                "bytes=2000-5000|2048|2000-2047",
                "bytes=2047-|2048|2047-2047",
                "Bytes = 0-1|2048|0-1",
                "bytes=0-1,|2048|0-1",
                "bytes=99999999999999999999-|2048|416",
                "bytes=0-99999999999999999999|2048|0-2047",
                "bytes=0000000000000000000005-00000000000000000000006|2048|5-6",
                "bytes=9223372036854775807-9223372036854775808|2048|416",
                "bytes=2048-|2048|416",
                "bytes=5000-10000|2048|416",
                "bytes=500-0|2048|416",
                "bytes=-0|2048|416",
                "bytes=0-|0|whole",
                "bytes=0-0|0|whole",
                "bytes=5-|0|whole",
                "bytes=-5|0|whole",
                "bytes=-0|0|whole",
                "bytes=0-1,4-5|0|whole",
                "bytes=0-1,4-5|2048|multi 0-1+4-5",
                "bytes=0-1, 4-5 ,-1|2048|multi 0-1+4-5+2047-2047",
                "bytes=4-5,0-1|2048|multi 4-5+0-1",
                // one of several: still multipart, because some clients take a single part for the first one
                "bytes=0-1,9999-|2048|multi 0-1",
                "bytes=9999-,500-0|2048|416",
                "bytes=0-,0-|2048|whole",
                "bytes=0-1023,1024-|2048|multi 0-1023+1024-2047",
            })
    void selects(String header, long total, String expected) {
        assertThat(select(header, total)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bytes",
                "bytes=",
                "bytes=,",
                "items=0-1",
                "bytes=a-b",
                "bytes=1",
                "bytes=-",
                "bytes=1-2x",
                "bytes=0-1,x",
                "bytes=--1"
            })
    void whatIsNoByteRangeIsIgnored(String header) {
        assertThat(select(header, 2048)).isEqualTo("ignored");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"bytes=500-|500", "bytes=7-9|7", "bytes=-5|0", "bytes=8-9,2-3|8"})
    void readingBeginsWhereTheFirstRangeDoesUnlessThatTakesTheSizeToSay(String header, long start) {
        assertThat(RangeHeader.parse(header).orElseThrow().start()).isEqualTo(start);
    }

    @Test
    void upToAThousandAndTwentyFourRangesAreServed() {
        String header = IntStream.range(0, 1024)
                .mapToObj(i -> 2 * i + "-" + 2 * i)
                .collect(Collectors.joining(",", "bytes=", ""));
        assertThat(select(header, 1 << 20)).startsWith("multi ");
        assertThat(select(header + ",5000-5001", 1 << 20)).isEqualTo("400");
    }
}
