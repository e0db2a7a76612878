using System.Text;
using Xunit;

namespace Backhaul.Client.Tests.Launches;

public sealed class TaskNotificationTests
{
    private const string Data = """
        {"session":"photos","generation":1,"task":"t1","event":9,"kind":"download","url":"https://example.org/a","outcome":"failed","error":{"code":"httpStatus","message":"m"},
         "bytesReceived":5,"bytesSent":0,"attempts":2,"createdAt":"2026-11-21T10:30:00Z","endedAt":"2026-11-21T10:31:00Z","fromALaterVersion":{}}
        """;

    [Theory]
    [InlineData("backhaul.taskFailed", false)]
    [InlineData("backhaul.taskSucceeded", true)]
    public void A_notification_is_read(string type, bool succeeded)
    {
        var told = Parse(type, Data)!;
        Assert.Equal(("msg_1", succeeded, "photos", "t1", 9L, "httpStatus"), (told.Id, told.Succeeded, told.Data.Session, told.Data.Task, told.Data.Event, told.Data.Error!.Code));
    }

    [Fact]
    public void Everything_else_is_not_one()
    {
        Assert.Null(Parse("backhaul.launch", Data));
        Assert.Null(Parse("backhaul.taskFailed", "{}"));
        Assert.Null(Parse("backhaul.taskFailed", "[]"));
        Assert.Null(TaskNotification.TryParse("[]"u8.ToArray()));
        Assert.Null(TaskNotification.TryParse("no"u8.ToArray()));
        Assert.Null(TaskNotification.TryParse(Encoding.UTF8.GetBytes(Signed.Launch("photos", 3))));
    }

    private static TaskNotification? Parse(string type, string data) =>
        TaskNotification.TryParse(Encoding.UTF8.GetBytes($$"""{"specversion":"1.0","id":"msg_1","source":"/sessions/photos","type":"{{type}}","data":{{data}}}"""));
}
