import pytest

from retrieverkit_indexing.analysis import Detected, detect_language, supported_languages

LIGHTHOUSE_AND_PUMP = {
    "en": "The old keeper wrote down the weather every morning, but nobody ever asked to see his notes. "
    "We had to replace the pump because the seal was leaking and there were no spare parts.",
    "de": "Der alte Wärter schrieb jeden Morgen das Wetter auf, doch niemand fragte je nach seinen Notizen. "
    "Die Pumpe musste ersetzt werden, weil die Dichtung undicht war und keine Teile mehr da waren.",
    "fr": "Le vieux gardien du phare notait le temps chaque matin, mais personne ne demandait à voir ses carnets. "
    "Il a fallu remplacer la pompe parce que le joint fuyait et qu'il n'y avait plus de pièces.",
    "es": "El viejo farero anotaba el tiempo cada mañana, pero nadie pedía nunca ver sus cuadernos. "
    "Tuvimos que cambiar la bomba porque la junta perdía y no había piezas de recambio.",
    "it": "Il vecchio guardiano del faro annotava il tempo ogni mattina, ma nessuno chiedeva mai di vederlo. "
    "Abbiamo dovuto sostituire la pompa perché la guarnizione perdeva e non c'erano ricambi.",
    "pt": "O velho faroleiro anotava o tempo todas as manhãs, mas ninguém pedia para ver os seus cadernos. "
    "Tivemos de trocar a bomba porque a junta estava a verter e não havia peças.",
    "nl": "De oude wachter schreef elke ochtend het weer op, maar niemand vroeg ooit naar zijn aantekeningen. "
    "We moesten de pomp vervangen omdat de afdichting lekte en er geen onderdelen meer waren.",
    "sv": "Den gamle fyrvaktaren skrev ner vädret varje morgon, men ingen bad om att få se hans anteckningar. "
    "Vi var tvungna att byta pumpen eftersom tätningen läckte och det inte fanns några reservdelar.",
    "fi": "Vanha majakanvartija kirjoitti sään muistiin joka aamu, mutta kukaan ei koskaan pyytänyt nähdä sitä. "
    "Meidän oli vaihdettava pumppu, koska tiiviste vuoti eikä varaosia ollut enää.",
    "pl": "Stary latarnik zapisywał pogodę każdego ranka, ale nikt nigdy nie prosił o pokazanie jego notatek. "
    "Musieliśmy wymienić pompę, ponieważ uszczelka przeciekała i nie było już części.",
    "cs": "Starý strážce majáku si každé ráno zapisoval počasí, ale nikdo se nikdy neptal na jeho poznámky. "
    "Museli jsme vyměnit čerpadlo, protože těsnění teklo a nebyly už žádné náhradní díly.",
    "hu": "Az öreg őr minden reggel feljegyezte az időjárást, de soha senki nem kérte, hogy láthassa a jegyzeteit. "
    "Ki kellett cserélni a szivattyút, mert a tömítés szivárgott, és nem volt már alkatrész.",
    "tr": "Yaşlı bekçi her sabah havayı not ederdi ama hiç kimse onun notlarını görmek istemedi. "
    "Pompayı değiştirmek zorunda kaldık çünkü conta sızdırıyordu ve yedek parça da yoktu.",
    "vi": "Người gác già ghi lại thời tiết mỗi buổi sáng, nhưng không ai từng hỏi xem sổ của ông. "
    "Chúng tôi phải thay máy bơm vì vòng đệm bị rò và không còn phụ tùng nào.",
    "ru": "Старый смотритель каждое утро записывал погоду, но никто никогда не просил показать его записи. "
    "Нам пришлось заменить насос, потому что прокладка протекала, а запасных частей не было.",
    "uk": "Старий доглядач щоранку записував погоду, але ніхто ніколи не просив показати його нотатки. "
    "Нам довелося замінити насос, бо прокладка протікала, а запасних частин уже не було.",
    "bg": "Старият пазач записваше времето всяка сутрин, но никой никога не поиска да види бележките му. "
    "Трябваше да сменим помпата, защото уплътнението течеше и нямаше повече резервни части.",
    "sr": "Стари чувар је сваког јутра бележио време, али нико никада није тражио да види његове белешке. "
    "Морали смо да заменимо пумпу јер је заптивка цурела и није више било делова.",
    "ar": "كان حارس المنارة العجوز يدون حالة الطقس كل صباح، لكن لم يطلب أحد أن يرى دفاتره. "
    "كان علينا أن نستبدل المضخة لأن الحشية كانت تسرب ولم يكن هناك قطع غيار.",
    "fa": "نگهبان پیر هر روز صبح هوا را می‌نوشت، اما هیچ کس از او نخواست که یادداشت‌هایش را ببیند. "
    "ما باید پمپ را عوض می‌کردیم چون واشر نشتی داشت و دیگر قطعه یدکی نبود.",
    "he": "השומר הזקן רשם את מזג האוויר בכל בוקר, אבל אף אחד לא ביקש לראות את הרשימות שלו.",
    "hi": "बूढ़ा रखवाला हर सुबह मौसम लिखता था, लेकिन किसी ने कभी उसकी कॉपी देखने के लिए नहीं कहा।",
    "el": "Ο γέρος φύλακας έγραφε τον καιρό κάθε πρωί, αλλά κανείς δεν ζήτησε ποτέ να δει τις σημειώσεις του.",
    "ja": "年老いた灯台守は毎朝天気を書き留めたが、誰もその記録を見たいとは言わなかった。",
    "zh": "老灯塔看守人每天早上都记下天气，但从来没有人要看他的笔记。",
    "ko": "늙은 등대지기는 매일 아침 날씨를 적었지만 아무도 그의 기록을 보자고 하지 않았다.",
    "th": "คนเฝ้าประภาคารชราจดบันทึกสภาพอากาศทุกเช้า แต่ไม่เคยมีใครขอดูสมุดของเขา",
}


@pytest.mark.parametrize("language", LIGHTHOUSE_AND_PUMP)
def test_a_language_is_told_from_two_sentences(language):
    assert detect_language([LIGHTHOUSE_AND_PUMP[language]]) == (language, 1.0)
    assert language in supported_languages()


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["12 34 56", "---"], ["pump", "valve", "turbine"], ["sda qwe zxc", "ñññ"], ["Ქართული ენა"], ["ᚠᚢᚦ"]],
)
def test_what_cannot_be_told_is_no_language(texts):
    assert detect_language(texts) == Detected("", 0.0)


def test_the_share_is_of_the_texts_that_tell():
    german, english = LIGHTHOUSE_AND_PUMP["de"], LIGHTHOUSE_AND_PUMP["en"]
    assert detect_language([german] * 3 + [english] + ["12", "pump"]) == ("de", 0.75)
    assert detect_language([english, german]) == ("de", 0.5)  # equal: the first in the alphabet


def test_texts_that_are_too_short_to_tell_are_taken_together():
    titles = ["Die Pumpe", "Wasser für das Rad", "Lager und Welle", "Ein Turm"]
    assert [detect_language([title]).language for title in titles] == [""] * 4
    assert detect_language(titles) == ("de", 1.0)


def test_few_words_of_another_script_do_not_decide():
    assert detect_language([LIGHTHOUSE_AND_PUMP["en"] + " 灯台守 Пумпа"]).language == "en"
    assert detect_language(["The 東京都 and the 大阪市 are in the 日本国の本州、関東と関西にあります"]).language == "ja"


def test_only_a_sample_is_looked_at():
    class Texts(list):
        looked_at = 0

        def __getitem__(self, place):
            self.looked_at += 1
            return super().__getitem__(place)

    texts = Texts([LIGHTHOUSE_AND_PUMP["fr"]] * 5_000 + [LIGHTHOUSE_AND_PUMP["en"]] * 15_000)
    assert detect_language(texts) == ("en", pytest.approx(0.75, abs=0.01))
    assert texts.looked_at <= 300
    beginning = LIGHTHOUSE_AND_PUMP["es"] * 10
    assert detect_language([beginning + LIGHTHOUSE_AND_PUMP["ru"] * 1_000]).language == "es"
