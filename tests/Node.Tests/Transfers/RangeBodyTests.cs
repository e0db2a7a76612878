using System.Globalization;
using System.Net;
using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Bodies that hold more than the range that their head names.</summary>
public sealed class RangeBodyTests
{
    private const int Length = 1_000_003;
    private const int Break = 400_000;
    private const int Named = 10_000;

    [Fact]
    public async Task What_a_body_holds_beyond_the_range_of_its_head_is_not_the_files()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        var asked = 0;
        app.Run(async context =>
        {
            var from = int.Parse(context.Request.Headers.Range.ToString()["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            var isFirst = Interlocked.Increment(ref asked) == 1;
            var count = isFirst ? Named : Length - from;
            context.Response.StatusCode = 206;
            context.Response.Headers.ETag = checkpoint.Validator;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{from + count - 1}/{Length}");
            await context.Response.Body.WriteAsync(OriginContent.Bytes("seed", from, count), context.RequestAborted);
            if (isFirst)
                await context.Response.Body.WriteAsync(OriginContent.Bytes("junk", 0, Named), context.RequestAborted);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download($"{app.Urls.Single()}/a", checkpoint)));
        Assert.Equal(OriginContent.Sha256("seed", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal(2, asked);
    }
}
