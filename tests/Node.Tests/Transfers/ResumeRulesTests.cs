using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class ResumeRulesTests
{
    private static readonly PartState Part = new(100, 1000, "\"v1\"");

    private static readonly ResponseHead Good = new()
    {
        Status = 206,
        Shown = new Dictionary<string, string>(StringComparer.Ordinal),
        ETag = "\"v1\"",
        ContentRange = "bytes 100-999/1000",
        Length = 900,
    };

    public static TheoryData<string, string> Doubtful => new()
    {
        { "range", "bytes 90-999/1000" },
        { "range", "bytes 101-999/1000" },
        { "range", "bytes 100-999/1001" },
        { "range", "bytes 100-999/*" },
        { "range", "items 100-999/1000" },
        { "range", "bytes 100-1000/1000" },
        { "range", "bytes 999-100/1000" },
        { "range", "bytes abc" },
        { "range", "bytes */1000" },
        { "range", "" },
        { "length", "899" },
        { "type", "multipart/byteranges; boundary=x" },
        { "coding", "gzip" },
        { "etag", "" },
    };

    [Fact]
    public void An_exact_range_of_the_same_version_is_appended() =>
        Assert.Equal(new ResumeStep.Continue(100, 1000, 1000), Decide(Good));

    [Theory]
    [MemberData(nameof(Doubtful))]
    public void A_doubtful_range_is_asked_once_more_and_then_fetched_whole(string what, string value)
    {
        var head = what switch
        {
            "range" => Good with { ContentRange = value },
            "length" => Good with { Length = long.Parse(value) },
            "type" => Good with { ContentType = value },
            "coding" => Good with { ContentEncoding = value },
            _ => Good with { ETag = null },
        };
        Assert.IsType<ResumeStep.AskAgain>(Decide(head));
        Assert.IsType<ResumeStep.AskFromZero>(Decide(head, askedAgain: true));
    }

    [Fact]
    public void A_range_of_another_version_is_a_changed_source()
    {
        var head = Good with { ETag = "\"v2\"" };
        Assert.IsType<ResumeStep.AskFromZero>(Decide(head));
        Assert.IsType<ResumeStep.SourceChanged>(Decide(head, SourceChangePolicy.Fail));
        Assert.IsType<ResumeStep.SourceChanged>(Decide(head, SourceChangePolicy.AcceptIfDigest));
        Assert.IsType<ResumeStep.AskFromZero>(Decide(head, SourceChangePolicy.AcceptIfDigest, hasDigest: true));
        Assert.IsType<ResumeStep.AskFromZero>(Decide(Good with { ETag = "W/\"v1\"" }));
    }

    [Fact]
    public void A_whole_file_instead_of_a_range_starts_from_zero_also_with_a_content_range()
    {
        Assert.IsType<ResumeStep.FromZero>(Decide(Good with { Status = 200 }));
        Assert.IsType<ResumeStep.FromZero>(Decide(Good with { Status = 200, ContentRange = null }));
        Assert.IsType<ResumeStep.FromZero>(Decide(Good with { Status = 200, ContentRange = null }, SourceChangePolicy.Fail));
        Assert.IsType<ResumeStep.FromZero>(Decide(Good with { Status = 200, ETag = "\"v2\"" }));
        Assert.IsType<ResumeStep.SourceChanged>(Decide(Good with { Status = 200, ETag = "\"v2\"" }, SourceChangePolicy.Fail));
        Assert.IsType<ResumeStep.SourceChanged>(Decide(Good with { Status = 200, ETag = null }, SourceChangePolicy.Fail));
    }

    [Theory]
    [InlineData("bytes */100", 100, true)]
    [InlineData("bytes */101", 100, false)]
    [InlineData("bytes */1000", 100, false)]
    [InlineData("bytes */*", 100, false)]
    [InlineData("bytes 0-9/100", 100, false)]
    [InlineData(null, 100, false)]
    public void An_unsatisfiable_range_is_complete_only_when_the_total_is_what_lies_there(string? range, long have, bool complete)
    {
        var head = Good with { Status = 416, ContentRange = range, Length = 40 };
        var step = ResumeRules.Decide(new PartState(have, null, "\"v1\""), head, askedAgain: false, SourceChangePolicy.Restart, hasDigest: false);
        Assert.Equal(complete, step is ResumeStep.Complete);
        Assert.Equal(!complete, step is ResumeStep.AskFromZero);
    }

    [Fact]
    public void A_part_nobody_asked_for_is_never_stored()
    {
        Assert.IsType<ResumeStep.AskAgain>(ResumeRules.Decide(null, Good, askedAgain: false, SourceChangePolicy.Restart, hasDigest: false));
        Assert.IsType<ResumeStep.Unusable>(ResumeRules.Decide(null, Good, askedAgain: true, SourceChangePolicy.Restart, hasDigest: false));
        Assert.Equal(new ResumeStep.FromZero(null), ResumeRules.Decide(null, Good with { Status = 200 }, askedAgain: false, SourceChangePolicy.Restart, hasDigest: false));
    }

    [Theory]
    [InlineData("\"a\"", null, null, true)]
    [InlineData("W/\"a\"", null, null, false)]
    [InlineData("a", null, null, false)]
    [InlineData("\"a\"b\"", null, null, false)]
    [InlineData(null, "Wed, 01 Jan 2025 00:00:00 GMT", "Wed, 01 Jan 2025 00:01:00 GMT", true)]
    [InlineData(null, "Wed, 01 Jan 2025 00:00:00 GMT", "Wed, 01 Jan 2025 00:00:59 GMT", false)]
    [InlineData(null, "Wed, 01 Jan 2025 00:00:00 GMT", null, false)]
    [InlineData("W/\"a\"", "Wed, 01 Jan 2025 00:00:00 GMT", "Wed, 01 Jan 2026 00:01:00 GMT", false)]
    [InlineData(null, null, null, false)]
    public void Only_strong_validators_make_a_download_resumable(string? etag, string? modified, string? date, bool resumable)
    {
        var verdict = ResumeVerdict.Of("GET", Good with { Status = 200, ETag = etag, LastModified = modified, Date = date }, asksForRangeItself: false);
        Assert.Equal(resumable, verdict.Resumable);
        Assert.NotEmpty(verdict.Why);
    }

    [Fact]
    public void What_cannot_be_resumed_says_why()
    {
        var head = Good with { Status = 200 };
        Assert.Contains("POST", ResumeVerdict.Of("POST", head, asksForRangeItself: false).Why, StringComparison.Ordinal);
        Assert.Contains("range itself", ResumeVerdict.Of("GET", head, asksForRangeItself: true).Why, StringComparison.Ordinal);
        Assert.Contains("coding", ResumeVerdict.Of("GET", head with { ContentEncoding = "gzip" }, asksForRangeItself: false).Why, StringComparison.Ordinal);
        Assert.Contains("no ranges", ResumeVerdict.Of("GET", head with { AcceptRanges = "none" }, asksForRangeItself: false).Why, StringComparison.Ordinal);
        Assert.Contains("404", ResumeVerdict.Of("GET", head with { Status = 404 }, asksForRangeItself: false).Why, StringComparison.Ordinal);
        Assert.True(ResumeVerdict.Of("GET", head with { ContentEncoding = "identity" }, asksForRangeItself: false).Resumable);
    }

    private static ResumeStep Decide(
        ResponseHead head, SourceChangePolicy policy = SourceChangePolicy.Restart, bool hasDigest = false, bool askedAgain = false) =>
        ResumeRules.Decide(Part, head, askedAgain, policy, hasDigest);
}
