using System.Collections.Concurrent;
using Backhaul.Node.Files.S3;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Files.S3;
using Backhaul.Node.Tests.Transfers.Access;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Uploads to a store that takes parts of real sizes and misbehaves on demand: what it has in the end is the file, and little was sent twice.</summary>
public sealed class S3UploadTests
{
    private const int Part = 5 * 1024 * 1024;
    private const int Bytes = (2 * Part) + 12_345;
    private const string Key = "in/a b+ü.bin";

    private static readonly byte[] Content = S3Rig.Bytes(Bytes);

    [Fact]
    public async Task A_short_file_is_put_at_once_with_what_the_task_says_of_it()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content[..1000]) with
        {
            Headers = Headers(("Content-Type", "image/png"), ("x-amz-meta-from", "here"), ("Authorization", "Bearer own"), ("X-Own", "1")),
        };
        Assert.Equal(1000, Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order)).BytesSent);
        Assert.Equal("PUT", Assert.Single(store.Calls).Method);
        Assert.Equal(Content[..1000], store.Content(Key));
        Assert.Equal(("image/png", "here", "1"), (store.Begun["Content-Type"], store.Begun["x-amz-meta-from"], store.Begun["X-Own"]));
    }

    [Fact]
    public async Task An_empty_file_becomes_an_empty_object()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, store, [])));
        Assert.Empty(store.Content(Key)!);
    }

    [Fact]
    public async Task A_long_file_goes_in_parts_and_each_is_journaled_before_the_next_one_leaves()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var reports = new RecordedReports();
        var known = new ConcurrentQueue<(int Part, int Journaled, string? Id)>();
        store.OnCall = call =>
        {
            if (call.IsPart)
                known.Enqueue((call.PartNumber, reports.Last?.Upload?.Parts?.Count ?? -1, reports.Last?.Upload?.UploadId));
            return null;
        };
        var order = Order(bench, store, Content) with { Headers = Headers(("Content-Type", "image/png"), ("x-amz-meta-from", "here")) };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order, reports));
        Assert.Equal(Bytes, finished.BytesSent);
        Assert.Equal([(1, 0, "upload-1"), (2, 1, "upload-1"), (3, 2, "upload-1")], known);
        Assert.Equal([Part, Part, 12_345], store.Calls.Where(call => call.IsPart).Select(call => call.Body.Length));
        Assert.Equal(Content, store.Content(Key));
        Assert.Equal(("image/png", "here"), (store.Begun["Content-Type"], store.Begun["x-amz-meta-from"]));
        Assert.Equal([0, Part, 2 * Part, Bytes], reports.Checkpoints.Select(checkpoint => checkpoint.Bytes));
        Assert.Equal(Bytes, reports.Sent);
    }

    [Fact]
    public async Task After_a_break_only_the_part_under_way_is_sent_again()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call is { IsPart: true, PartNumber: 2 } ? new FakeFault(0) : null;
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        Assert.Equal((TransferCodes.ConnectionLost, true, Part), (failed.Failure.Code, failed.Failure.Retryable, failed.Failure.BytesSent));
        store.OnCall = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal([1, 2, 2, 3], store.Calls.Where(call => call.IsPart).Select(call => call.PartNumber));
        Assert.Equal(Content, store.Content(Key));
    }

    [Fact]
    public async Task A_part_that_was_finished_after_the_last_checkpoint_is_not_sent_again()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call is { IsPart: true, PartNumber: 2 } ? new FakeFault(0, HasEffect: true) : null;
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        Assert.Single(reports.Last!.Upload!.Parts!);
        store.OnCall = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal([1, 2, 3], store.Calls.Where(call => call.IsPart).Select(call => call.PartNumber));
        Assert.Equal(Content, store.Content(Key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    public async Task An_end_whose_answer_was_lost_is_found_and_nothing_is_sent_again(int status)
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call.IsComplete ? new FakeFault(status, HasEffect: true) : null;
        Assert.True(Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports)).Failure.Retryable);
        store.OnCall = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }, reports));
        Assert.Equal(3, store.Calls.Count(call => call.IsPart));
        Assert.Empty(reports.Restarts);
        Assert.Equal(Content, store.Content(Key));
    }

    /// <summary>Somebody else's object under the key is not taken for ours.</summary>
    [Fact]
    public async Task An_upload_that_the_store_forgot_starts_again_and_says_so()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call.IsComplete ? new FakeFault(0) : null;
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        store.OnCall = null;
        store.ForgetUploads();
        store.Put(Key, S3Rig.Bytes(Bytes, seed: 2));
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }, reports));
        Assert.Single(reports.Restarts);
        Assert.Equal(6, store.Calls.Count(call => call.IsPart));
        Assert.Equal(Content, store.Content(Key));
    }

    [Theory]
    [InlineData(501, "NotImplemented")]
    [InlineData(403, "AccessDenied")]
    public async Task Where_parts_cannot_be_listed_the_journal_says_which_are_there(int status, string code)
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call is { IsPart: true, PartNumber: 3 } ? new FakeFault(0) : null;
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        store.OnCall = call => call.Method == "GET" ? new FakeFault(status, code) : null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal([1, 2, 3, 3], store.Calls.Where(call => call.IsPart).Select(call => call.PartNumber));
        Assert.Equal(Content, store.Content(Key));
    }

    [Fact]
    public async Task Parts_that_do_not_fit_together_are_given_up_and_sent_again()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        store.OnCall = call =>
        {
            if (call.IsComplete)
                store.Resend("upload-1", 2, Content[..Part], "\"late\"");
            return null;
        };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.True(failed.Failure is { Retryable: true, DiscardPart: true }, failed.Failure.Message);
        Assert.Empty(store.OpenUploads);
        store.OnCall = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(Content, store.Content(Key));
    }

    [Fact]
    public async Task A_cancelled_upload_is_aborted_at_the_store()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports { Wanted = what => what != "checkpoint" };
        Assert.IsType<AttemptOutcome.Stopped>(await bench.RunAsync(order, reports));
        Assert.Single(store.OpenUploads);
        Assert.DoesNotContain(store.Calls, call => call.IsPart);
        Assert.True(await bench.Runner.AbandonUploadAsync(order with { Resume = reports.Last }));
        Assert.Empty(store.OpenUploads);
    }

    /// <summary>Regression: it was recorded as told.</summary>
    [Fact]
    public async Task Without_the_key_pair_the_store_is_not_told_of_a_cancelled_upload()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports { Wanted = what => what != "checkpoint" };
        Assert.IsType<AttemptOutcome.Stopped>(await bench.RunAsync(order, reports));
        Assert.False(await bench.Runner.AbandonUploadAsync(Order(bench, store, Content, secret: "gone") with { Resume = reports.Last }));
        Assert.Single(store.OpenUploads);
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_sent_never_becomes_an_object()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var reports = new RecordedReports();
        bench.Parts.SourceChanges = true;
        var order = Order(bench, store, Content);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        Assert.Equal((TransferCodes.SourceChanged, false), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Empty(store.Keys);
        bench.Parts.SourceChanges = false;
        bench.Parts.SourceModifiedNs++;
        failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal((TransferCodes.SourceChanged, false), (failed.Failure.Code, failed.Failure.Retryable));
    }

    [Theory]
    [InlineData("", TransferCodes.Credential, false, "no credential that signs")]
    [InlineData("basic", TransferCodes.Credential, false, "no credential that signs")]
    [InlineData("unknown", TransferCodes.SecretMissing, true, "the secret unknown")]
    [InlineData("wrong", TransferCodes.HttpStatus, false, "SignatureDoesNotMatch (403). Check AccessKey and SecretKey")]
    [InlineData("elsewhere", TransferCodes.HttpStatus, false, "InvalidAccessKeyId (403)")]
    public async Task Without_the_right_keys_the_failure_says_what_to_do(string secret, string code, bool retryable, string says)
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, store, Content, secret)));
        Assert.Equal((code, retryable), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Contains(says, failed.Failure.Message);
        Assert.DoesNotContain(FakeS3.SecretKey, failed.ToString());
        Assert.Empty(store.Keys);
    }

    [Fact]
    public async Task Keys_go_to_the_servers_of_their_rule_only_and_a_redirect_is_not_followed()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content[..10]);
        var elsewhere = order with { Access = new AccessReferences { Credentials = [new CredentialRule { Secret = "right", Host = "store.example.net" }] } };
        Assert.Equal(TransferCodes.Credential, Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(elsewhere)).Failure.Code);
        Assert.Empty(store.Calls);
        store.OnCall = _ => new FakeFault(307, "TemporaryRedirect");
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Contains("Check Region", failed.Failure.Message);
        Assert.Single(store.Calls);
    }

    [Theory]
    [InlineData("transfers")]
    [InlineData("transfers/")]
    [InlineData("")]
    [InlineData("transfers/a.bin?X-Amz-Signature=1")]
    public async Task A_url_that_names_no_object_is_refused_before_anything_leaves(string path)
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, store, Content[..10]) with { Url = store.Url + path }));
        Assert.Equal((TransferCodes.ProtocolError, false), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Empty(store.Calls);
    }

    /// <summary>For any sequence of faults the object is the file, and each fault costs at most one part.</summary>
    [Fact]
    public async Task After_any_sequence_of_faults_the_object_is_the_file()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        for (var seed = 1; seed <= 12; seed++)
        {
            var chance = new Random(seed);
            var faults = 0;
            store.OnCall = call =>
            {
                if (chance.Next(3) != 0 || faults >= 8)
                    return null;
                faults++;
                return new FakeFault(chance.GetItems([0, 500, 503], 1)[0], "SlowDown", HasEffect: chance.Next(2) == 0);
            };
            var before = store.Calls.Count;
            var order = Order(bench, store, Content) with { Url = $"{store.Url}transfers/n{seed}" };
            PartCheckpoint? resume = null;
            AttemptOutcome outcome;
            var attempts = 0;
            do
            {
                var reports = new RecordedReports();
                outcome = await bench.RunAsync(order with { Resume = resume }, reports);
                var discards = outcome is AttemptOutcome.Failed { Failure.DiscardPart: true };
                resume = discards ? null : reports.Last ?? resume;
            }
            while (outcome is not AttemptOutcome.Finished && ++attempts < 20);
            Assert.True(outcome is AttemptOutcome.Finished, $"seed {seed}: {outcome}");
            Assert.Equal(Content, store.Content($"n{seed}"));
            var sent = store.Calls.Skip(before).Where(call => call.IsPart).Sum(call => (long)call.Body.Length);
            Assert.True(sent <= Bytes + ((long)faults * Part), $"seed {seed}: {sent} bytes were sent over {faults} faults");
        }
    }

    [Theory]
    [InlineData(3000, 0)]
    [InlineData(0, 300)]
    public async Task Endless_names_of_a_store_are_refused_and_not_journaled(int idChars, int tagChars)
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        (store.IdStart, store.TagEnd) = (new string('i', idChars), new string('t', tagChars));
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, store, Content), reports));
        Assert.Equal((TransferCodes.ProtocolError, false), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.DoesNotContain(reports.Checkpoints, checkpoint => checkpoint.Upload is { UploadId.Length: > 100 } or { Parts.Count: > 0 });
    }

    [Fact]
    public async Task A_list_of_parts_without_end_is_not_read_for_ever()
    {
        await using var store = await StoreAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, store, Content);
        var reports = new RecordedReports();
        store.OnCall = call => call is { IsPart: true, PartNumber: 2 } ? new FakeFault(0) : null;
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        (store.OnCall, store.ListsForEver) = (null, true);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal([1, 2, 1, 2, 3], store.Calls.Where(call => call.IsPart).Select(call => call.PartNumber));
        Assert.Equal(Content, store.Content(Key));
    }

    [Theory]
    [InlineData("https://bucket.s3.eu-west-1.example.com/a/b", "a/b", "eu-west-1")]
    [InlineData("https://s3.eu-west-1.example.com/bucket/a%20b", "bucket/a b", "eu-west-1")]
    [InlineData("https://bucket.s3.example.com/b", "b", "us-east-1")]
    [InlineData("http://10.0.0.8:9000/bucket/b", "bucket/b", "us-east-1")]
    [InlineData("https://bucket.s3.example.com//a//b", "/a//b", "us-east-1")]
    [InlineData("https://s3.example.com/bucket//a", "bucket//a", "us-east-1")]
    public void The_bucket_may_stand_in_the_path_or_in_the_host(string url, string key, string region)
    {
        var (target, why) = Node.Transfers.Uploads.S3.S3Target.Parse(new Uri(url), region: null);
        Assert.Null(why);
        Assert.Equal((key, region), (target!.Key, target.Bucket.Region));
        Assert.Equal(new Uri(url).AbsoluteUri, target.Bucket.Url(target.Key, []).AbsoluteUri);
    }

    [Theory]
    [InlineData("https://bucket.s3.example.com/a%2F..%2Fb")]
    [InlineData("https://s3.example.com/bucket%2F..%2Fother/b")]
    [InlineData("https://s3.example.com/bucket/")]
    [InlineData("https://bucket.s3.example.com/b?versionId=1")]
    public void A_url_that_could_only_be_another_object_is_refused(string url)
    {
        var (target, why) = Node.Transfers.Uploads.S3.S3Target.Parse(new Uri(url), region: null);
        Assert.Null(target);
        Assert.NotNull(why);
    }

    private static async Task<FakeS3> StoreAsync()
    {
        var store = await FakeS3.StartAsync();
        store.PartBytesMin = PartPlan.PartBytesMin;
        return store;
    }

    private static Task<AttemptBench> StartAsync() => AttemptBench.StartAsync(AttemptBench.Quick with { UploadChunkBytes = 64 * 1024 }, secrets: TestSecrets.Read(
        ("right:Kind", "s3"), ("right:AccessKey", FakeS3.AccessKey), ("right:SecretKey", FakeS3.SecretKey),
        ("wrong:Kind", "s3"), ("wrong:AccessKey", FakeS3.AccessKey), ("wrong:SecretKey", "guess"),
        ("elsewhere:Kind", "s3"), ("elsewhere:AccessKey", FakeS3.AccessKey), ("elsewhere:SecretKey", FakeS3.SecretKey), ("elsewhere:Region", "eu-west-1"),
        ("basic:Kind", "basic"), ("basic:UserName", "u"), ("basic:Password", "p")));

    private static AttemptOrder Order(AttemptBench bench, FakeS3 store, byte[] content, string secret = "right") => bench.Upload("PUT", "", content) with
    {
        Url = $"{store.Url}{FakeS3.Bucket}/{S3Bucket.EncodeKey(Key)}",
        UploadProtocol = UploadProtocol.S3,
        Access = new AccessReferences { Credentials = secret.Length == 0 ? [] : [new CredentialRule { Secret = secret }] },
    };

    private static Dictionary<string, string> Headers(params (string Name, string Value)[] headers) =>
        headers.ToDictionary(header => header.Name, header => header.Value, StringComparer.OrdinalIgnoreCase);
}
