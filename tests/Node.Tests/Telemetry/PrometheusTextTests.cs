using System.Diagnostics.Metrics;
using Backhaul.Node.Telemetry;
using Xunit;

namespace Backhaul.Node.Tests.Telemetry;

public sealed class PrometheusTextTests
{
    [Fact]
    public void The_whole_text_is_as_agreed()
    {
        using var meter = new Meter("golden");
        using var collector = new MetricsCollector(["golden"]);
        var bytes = meter.CreateCounter<long>("backhaul.transfer.bytes", "By", "Bytes of bodies.");
        var ended = meter.CreateCounter<int>("backhaul.task.ended", "{task}");
        var load = meter.CreateHistogram("backhaul.session.load.duration", "s", "Two\nlines and a \\.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        var level = meter.CreateUpDownCounter<long>("queue.length");
        meter.CreateObservableGauge("share", () => 0.25, "1");
        meter.CreateObservableCounter("cpu.time", () => new Measurement<double>(1.5, new KeyValuePair<string, object?>("mode", "user")), "s");
        bytes.Add(5, new KeyValuePair<string, object?>("direction", "send"));
        bytes.Add(7, new KeyValuePair<string, object?>("direction", "receive"));
        bytes.Add(3, new KeyValuePair<string, object?>("direction", "send"));
        ended.Add(1, new KeyValuePair<string, object?>("outcome", "a \"quoted\" \\ \n one"));
        foreach (var seconds in new[] { 0.05, 0.1, 0.5, 5 })
            load.Record(seconds);
        level.Add(4);
        level.Add(-6);
        Assert.Equal(
            """
            # TYPE backhaul_session_load_duration_seconds histogram
            """.Insert(0, "# HELP backhaul_session_load_duration_seconds Two\\nlines and a \\\\.\n") +
            """

            backhaul_session_load_duration_seconds_bucket{le="0.1"} 2
            backhaul_session_load_duration_seconds_bucket{le="1"} 3
            backhaul_session_load_duration_seconds_bucket{le="+Inf"} 4
            backhaul_session_load_duration_seconds_sum 5.65
            backhaul_session_load_duration_seconds_count 4
            # TYPE backhaul_task_ended_total counter
            backhaul_task_ended_total{outcome="a \"quoted\" \\ \n one"} 1
            # HELP backhaul_transfer_bytes_total Bytes of bodies.
            # TYPE backhaul_transfer_bytes_total counter
            backhaul_transfer_bytes_total{direction="receive"} 7
            backhaul_transfer_bytes_total{direction="send"} 8
            # TYPE cpu_time_seconds_total counter
            cpu_time_seconds_total{mode="user"} 1.5
            # TYPE queue_length gauge
            queue_length -2
            # TYPE share_ratio gauge
            share_ratio 0.25

            """.ReplaceLineEndings("\n"),
            PrometheusText.Write(collector.Collect()));
    }

    [Fact]
    public void Labels_that_name_hosts_are_dropped_and_what_falls_together_is_summed()
    {
        using var meter = new Meter("hosts");
        using var collector = new MetricsCollector(["hosts"]);
        var requests = meter.CreateCounter<long>("http.client.requests");
        meter.CreateObservableUpDownCounter("open", () => new[]
        {
            new Measurement<int>(2, new KeyValuePair<string, object?>("server.address", "a"), new("server.port", 443)),
            new Measurement<int>(3, new KeyValuePair<string, object?>("server.address", "b"), new("server.port", 443)),
        });
        requests.Add(1, new KeyValuePair<string, object?>("server.address", "a"), new KeyValuePair<string, object?>("error", true));
        requests.Add(1, new KeyValuePair<string, object?>("server.address", "b"), new KeyValuePair<string, object?>("error", true));
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(
                "# TYPE http_client_requests_total counter\nhttp_client_requests_total{error=\"true\"} 2\n# TYPE open gauge\nopen 5\n",
                PrometheusText.Write(collector.Collect()));
        }
    }

    [Fact]
    public void Series_beyond_the_limit_are_counted_together()
    {
        using var meter = new Meter("many");
        using var collector = new MetricsCollector(["many"]);
        var counter = meter.CreateCounter<long>("things");
        for (var i = 0; i < InstrumentSeries.SeriesMax + 100; i++)
            counter.Add(1, new KeyValuePair<string, object?>("id", i));
        var points = Assert.Single(collector.Collect()).Points;
        Assert.Equal(InstrumentSeries.SeriesMax + 1, points.Count);
        Assert.Equal(100, Assert.Single(points, p => p.Labels[0].Key == "otel.metric.overflow").Value);
    }

    [Fact]
    public void Labels_longer_than_the_key_buffer_still_make_one_series()
    {
        using var meter = new Meter("long");
        using var collector = new MetricsCollector(["long"]);
        var counter = meter.CreateCounter<long>("things");
        var value = new string('x', 1000);
        counter.Add(1, new KeyValuePair<string, object?>("v", value));
        counter.Add(1, new KeyValuePair<string, object?>("v", value));
        var point = Assert.Single(Assert.Single(collector.Collect()).Points);
        Assert.Equal((2, value), (point.Value, point.Labels[0].Value));
    }

    [Fact]
    public void A_gauge_whose_callback_throws_takes_no_other_with_it()
    {
        using var meter = new Meter("broken");
        using var collector = new MetricsCollector(["broken"]);
        var there = false;
        meter.CreateObservableGauge("bad", () => there ? 1 : throw new InvalidOperationException("no"));
        meter.CreateObservableGauge("good", () => 1);
        Assert.Equal("good", Assert.Single(collector.Collect()).Name);
        Assert.Equal(1, collector.CallbackFailures);
    }

    [Fact]
    public void A_value_that_is_observed_no_more_disappears()
    {
        using var meter = new Meter("passing");
        using var collector = new MetricsCollector(["passing"]);
        var there = true;
        meter.CreateObservableGauge("now", () => there ? [new Measurement<int>(1)] : Array.Empty<Measurement<int>>());
        Assert.Single(collector.Collect());
        there = false;
        Assert.Empty(collector.Collect());
    }

    [Fact]
    public void A_session_gives_its_share_of_the_gauges_back_once()
    {
        var active = new LevelGauge("test.active", "", "");
        var waiting = new LevelGauge("test.waiting", "", "", "reason");
        active.Add(1);
        var tally = new SessionTally(active, waiting);
        tally.Waiting("retry", 5);
        tally.Waiting("retry", 3);
        tally.Waiting("hostLimit", 1);
        Assert.Equal((3, 1), (waiting.Read("retry"), waiting.Read("hostLimit")));
        tally.Dispose();
        tally.Dispose();
        Assert.Equal((0, 0, 0), (active.Read(), waiting.Read("retry"), waiting.Read("hostLimit")));
    }
}
