using System.Diagnostics;
using Backhaul.Node.Telemetry;
using Xunit;

namespace Backhaul.Node.Tests.Telemetry;

public sealed class TransferActivityTests
{
    [Fact]
    public void An_attempt_starts_its_own_trace_and_links_to_the_request_that_created_the_task()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == NodeMeter.Name,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        using var ambient = new Activity("ambient").Start();
        const string creator = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        using var attempt = TransferActivity.StartAttempt(upload: false, "default/photos", "t1", 2, new Uri("https://example.org/a?secret=1"), creator);
        Assert.NotNull(attempt);
        Assert.NotEqual(ambient.TraceId, attempt.TraceId);
        Assert.Null(attempt.ParentId);
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", Assert.Single(attempt.Links).Context.TraceId.ToString());
        Assert.DoesNotContain(attempt.TagObjects, tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) is true);
        TransferActivity.End(attempt, "failed", 503, "httpStatus");
        Assert.Equal(ActivityStatusCode.Error, attempt.Status);
    }
}
